package lockfile

import "bytes"

// nestingMax is how deep brackets may stand in a state file. Ours have two levels. The parser
// takes quadratic time, and stack without end, for thousands; the gate must not wait for that,
// and a stack that overflows takes the daemon down.
const nestingMax = 32

// tooDeep says whether brackets are nested deeper than nestingMax, outside of strings and
// comments. It need not know TOML otherwise: the parser judges the rest.
func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '[', '{':
			if depth++; depth > nestingMax {
				return true
			}
		case ']', '}':
			depth = max(0, depth-1)
		case '#':
			n := bytes.IndexByte(b[i:], '\n')
			if n < 0 {
				return false
			}
			i += n
		case '"', '\'':
			i = stringEnd(b, i)
		}
	}
	return false
}

// stringEnd is the index of the last byte of the string that begins at i. A string on one line
// ends with the line at the latest.
func stringEnd(b []byte, i int) int {
	quote := b[i]
	if long := bytes.Repeat(b[i:i+1], 3); bytes.HasPrefix(b[i:], long) {
		for j := i + 3; j < len(b); j++ {
			if b[j] == '\\' && quote == '"' {
				j++
			} else if bytes.HasPrefix(b[j:], long) {
				return j + 2
			}
		}
		return len(b)
	}
	for j := i + 1; j < len(b); j++ {
		switch {
		case b[j] == '\\' && quote == '"':
			j++
		case b[j] == quote || b[j] == '\n':
			return j
		}
	}
	return len(b)
}

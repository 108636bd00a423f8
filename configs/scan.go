package configs

import (
	"strconv"
	"strings"
)

// The parser has judged the text already, so the scanner here only has to know
// where keys and values begin and end; what it does not understand it leaves.
// A fuzz test holds it against the parser's own list of keys.

// positions tells in which line each key of a TOML file stands. The toml
// package knows, but tells only in its own errors, and those stop at the first.
type positions struct {
	lines map[string]keyLine
}

// keyLine is where a key stands. named: in full, not only as the front part of
// a longer key.
type keyLine struct {
	line  int32
	named bool
}

// keySep joins the parts of a key path: TOML allows no NUL in a file, so no
// quoted key can contain it.
const keySep = "\x00"

// joinKey makes a path of parts.
func joinKey(parts ...string) string { return strings.Join(parts, keySep) }

// line returns the line of the path, or of the longest front part that stands
// in the file; 0 when none does.
func (p positions) line(path string) int {
	for {
		if k, ok := p.lines[path]; ok {
			return int(k.line)
		}
		cut := strings.LastIndex(path, keySep)
		if cut < 0 {
			return 0
		}
		path = path[:cut]
	}
}

// scanPositions reads a text that toml.Decode has accepted; on any other text
// it returns what it understood. Elements of an array have their index as the
// last part of the path.
func scanPositions(text string) positions {
	s := &scanner{text: text, lineNo: 1, pos: positions{lines: map[string]keyLine{}}}
	table, tableArrays := top, map[string]int{}
	for s.skipBlank(); s.i < len(s.text); s.skipBlank() {
		start := s.i
		if s.text[s.i] == '[' {
			table = below(s.header(tableArrays))
		} else {
			s.pair(table)
		}
		if s.i == start { // not TOML: leave it to the parser's own error
			break
		}
	}
	return s.pos
}

// scanner walks the text once. It never goes back, so a text costs its length.
type scanner struct {
	text   string
	i      int // offset of the next byte
	lineNo int // of that byte, from 1
	pos    positions
}

// header reads [a.b] or [[a.b]] and returns the path of the table it opens.
// The index of a [[table]] becomes a part of its path, as an array element's.
func (s *scanner) header(tableArrays map[string]int) string {
	line := s.lineNo
	s.i++ // the "["
	array := s.at('[')
	parts := s.key()
	for s.at(']') {
	}
	path := joinKey(parts...)
	if array {
		n := tableArrays[path]
		tableArrays[path]++
		path = joinKey(path, strconv.Itoa(n))
	}
	s.note(top, strings.Split(path, keySep), line)
	return path
}

// pair reads KEY = VALUE below the table.
func (s *scanner) pair(table prefix) {
	line := s.lineNo
	parts := s.key()
	if len(parts) == 0 {
		return
	}
	path := s.note(table, parts, line)
	s.skipSpace()
	if s.at('=') {
		s.skipSpace()
		s.value(path)
	}
}

// prefix is what stands before the keys of a table in their paths. It is not the table's path: a key may be empty.
type prefix string

const top prefix = ""

func below(path string) prefix { return prefix(path + keySep) }

// note records the path and, where nothing better is known, its front parts.
func (s *scanner) note(table prefix, parts []string, line int) string {
	path := ""
	for i := range parts {
		path = string(table) + joinKey(parts[:i+1]...)
		last := i == len(parts)-1
		if known := s.pos.lines[path]; known.line == 0 || last && !known.named {
			s.pos.lines[path] = keyLine{int32(line), last}
		}
	}
	return path
}

// key reads a bare, quoted or dotted key; nil when there is none.
func (s *scanner) key() []string {
	var parts []string
	for {
		s.skipSpace()
		switch {
		case s.i >= len(s.text):
			return parts
		case s.text[s.i] == '"' || s.text[s.i] == '\'':
			parts = append(parts, s.quoted())
		default:
			start := s.i
			for s.i < len(s.text) && !strings.ContainsRune(" \t\r\n.=]#[\"',{}", rune(s.text[s.i])) {
				s.i++
			}
			if s.i == start {
				return parts
			}
			parts = append(parts, s.text[start:s.i])
		}
		s.skipSpace()
		if !s.at('.') {
			return parts
		}
	}
}

// value skips a value and notes the keys and elements inside it.
func (s *scanner) value(path string) {
	if s.i >= len(s.text) {
		return
	}
	switch s.text[s.i] {
	case '[':
		s.i++
		for n := 0; ; n++ { // each element gets a line: lists of names are long
			s.skipSeparators()
			if s.i >= len(s.text) || s.at(']') {
				return
			}
			start := s.i
			elem := s.note(below(path), []string{strconv.Itoa(n)}, s.lineNo)
			if s.value(elem); s.i == start { // no progress: not TOML
				return
			}
		}
	case '{':
		s.i++
		for {
			s.skipSeparators()
			if s.i >= len(s.text) || s.at('}') {
				return
			}
			start := s.i
			if s.pair(below(path)); s.i == start {
				return
			}
		}
	case '"', '\'':
		s.quoted()
	default: // numbers, booleans, dates
		for s.i < len(s.text) && !strings.ContainsRune(",]}#\r\n", rune(s.text[s.i])) {
			s.i++
		}
	}
}

// quoted reads any of the four kinds of string and returns its value.
func (s *scanner) quoted() string {
	rest, quote := s.text[s.i:], s.text[s.i:s.i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(rest, triple) {
		return s.multiline(triple)
	}
	for j := 1; j < len(rest) && rest[j] != '\n'; j++ {
		switch {
		case rest[j] == '\\' && quote == `"`:
			j++
		case rest[j] == quote[0]:
			s.i += j + 1
			return unquote(rest[:j+1])
		}
	}
	s.i = len(s.text) // it never ends: not TOML, and nothing more to learn
	return ""
}

// multiline skips a """ or ”' string. Its value matters to nobody: it can be
// no key.
func (s *scanner) multiline(triple string) string {
	j := s.i + 3
	for j < len(s.text) && !strings.HasPrefix(s.text[j:], triple) {
		if s.text[j] == '\\' && triple[0] == '"' {
			j++
		}
		j++
	}
	j = min(j+3, len(s.text))
	for k := 0; k < 2 && j < len(s.text) && s.text[j] == triple[0]; k++ { // up to two quotes may end the text itself
		j++
	}
	s.lineNo += strings.Count(s.text[s.i:j], "\n")
	s.i = j
	return ""
}

// unquote gives a quoted key's value; Go's escapes cover TOML's but \e and \x in keys,
// which nobody will miss in a line number.
func unquote(q string) string {
	if q[0] == '\'' {
		return q[1 : len(q)-1]
	}
	if v, err := strconv.Unquote(q); err == nil {
		return v
	}
	return q[1 : len(q)-1]
}

// at takes the byte if it is the next one.
func (s *scanner) at(c byte) bool {
	if s.i < len(s.text) && s.text[s.i] == c {
		s.i++
		return true
	}
	return false
}

// skipSpace stays on the line: a key and its "=" cannot be on two.
func (s *scanner) skipSpace() {
	for s.i < len(s.text) && (s.text[s.i] == ' ' || s.text[s.i] == '\t') {
		s.i++
	}
}

// skipBlank skips spaces, ends of lines and comments.
func (s *scanner) skipBlank() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case '\n':
			s.lineNo++
			s.i++
		case ' ', '\t', '\r':
			s.i++
		case '#':
			if end := strings.IndexByte(s.text[s.i:], '\n'); end >= 0 {
				s.i += end
			} else {
				s.i = len(s.text)
			}
		default:
			return
		}
	}
}

// skipSeparators skips what stands between the elements of an array or of an
// inline table, which may go over lines.
func (s *scanner) skipSeparators() {
	for s.skipBlank(); s.at(','); s.skipBlank() {
	}
}

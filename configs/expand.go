package configs

import (
	"os"
	"strings"
)

// secretMin is the length in bytes from which a value of the environment is
// kept out of messages; shorter ones would garble them and hide nothing.
const secretMin = 4

// expander replaces ${NAME} in string values by the environment's value. The
// command lines of programs are left alone: a shell in them has its own ${},
// and a secret in them could be read by everybody with ps.
type expander struct {
	env  func(string) (string, bool)
	c    *collector
	seen map[string]string // value → ${NAME}, to take it out of messages again
}

func newExpander(env func(string) (string, bool), c *collector) *expander {
	if env == nil {
		env = os.LookupEnv
	}
	return &expander{env: env, c: c, seen: map[string]string{}}
}

// table is tree for a table; one of a file without any ${ is shared as it is.
func (e *expander) table(p place, raw map[string]any) map[string]any {
	if !p.src.expands {
		return raw
	}
	table, _ := e.tree(p, raw).(map[string]any)
	return table
}

// tree returns v with every string expanded, sharing what has nothing to
// expand. Keys are never expanded.
func (e *expander) tree(p place, v any) any {
	switch v := v.(type) {
	case string:
		return e.text(p, v)
	case []any:
		var out []any
		for i, elem := range v {
			fresh := e.tree(p.element(i), elem)
			if s, ok := elem.(string); ok && fresh != any(s) || !ok {
				if out == nil {
					out = append([]any(nil), v...)
				}
				out[i] = fresh
			}
		}
		if out != nil {
			return out
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			if _, isList := v[k].([]any); isList && isCommandKey(k) {
				out[k] = v[k]
				continue
			}
			out[k] = e.tree(p.key(k), v[k])
		}
		return out
	}
	return v
}

// isCommandKey reports whether a list under this key is a command line.
func isCommandKey(key string) bool {
	return key == "command" || key == "exec" || key == "on_reload" || strings.HasSuffix(key, "_command") ||
		strings.HasPrefix(key, "pre_") || strings.HasPrefix(key, "post_")
}

// text expands one string. A name that is not set is a mistake, never an empty
// string: an empty password is one too.
func (e *expander) text(p place, s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		if i > 0 && s[i-1] == '$' { // $${ is a literal ${
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		name, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed || !isEnvName(name) {
			e.c.add(p, "has a \"${\" without a name and a \"}\" after it; write \"$${\" for the two characters themselves")
			return ""
		}
		value, ok := e.env(name)
		if !ok {
			e.c.add(p, "needs the environment variable %s, which is not set; write \"$${%s}\" for the text itself", name, name)
		}
		if len(value) >= secretMin {
			e.seen[value] = "${" + name + "}"
		}
		b.WriteString(value)
		s = rest
	}
}

// masked is applied to every message at the end of a load: a check type that
// repeats a wrong URL knows nothing of where its password came from. It takes
// every value that came from the environment out of a text.
func (e *expander) masked(text string) string {
	for value, name := range e.seen {
		text = strings.ReplaceAll(text, value, name)
	}
	return text
}

// isEnvName reports whether s can name a variable (POSIX: letters, digits, _).
func isEnvName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

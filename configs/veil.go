package configs

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Veil takes secrets out of texts that somebody else wrote: what a check saw, what the kernel said about a path, what a
// server answered. It knows every value that came from the environment, what stands under telling keys, and passwords in
// URLs. A nil Veil hides nothing. Safe for concurrent use.
type Veil struct {
	secrets []secret // long ones first: one may be the beginning of another
}

// secret is a value and what is shown instead of it.
type secret struct {
	value, shown string
	whole        bool // only where it does not stand within a longer word
}

// wholeBelow is the length in bytes below which a value is only hidden where it stands by itself: "prod" is no part of
// "production". Digits alone of less than this are a port or a number of something, and are left.
const wholeBelow = 8

// secretText stands where a secret that is no ${NAME} is not shown.
const secretText = "(secret)"

// Veil hides the secrets of this plan, and of another one that is still at work in processes and results; nil is none.
func (p *Plan) Veil(before *Veil) *Veil {
	v := &Veil{secrets: append([]secret(nil), p.secrets...)}
	if before != nil {
		known := map[string]bool{}
		for _, s := range v.secrets {
			known[s.value] = true
		}
		for _, s := range before.secrets {
			if !known[s.value] && len(v.secrets) < veilMax {
				v.secrets = append(v.secrets, s)
			}
		}
	}
	if len(v.secrets) == 0 {
		return nil
	}
	sort.SliceStable(v.secrets, func(i, j int) bool { return len(v.secrets[i].value) > len(v.secrets[j].value) })
	return v
}

// veilMax bounds what is kept of the plans before: a deploy that changes a password every minute must not grow supd.
const veilMax = 10_000

// Hide is the text without secrets.
func (v *Veil) Hide(text string) string {
	if v == nil {
		return text
	}
	for _, s := range v.secrets {
		if strings.Contains(text, s.value) {
			text = s.hide(text)
		}
	}
	return text
}

// hide replaces the secret, if it is short only as a whole word.
func (s secret) hide(text string) string {
	if !s.whole {
		return strings.ReplaceAll(text, s.value, s.shown)
	}
	var b strings.Builder
	for {
		i := strings.Index(text, s.value)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(s.value)
		if i > 0 && wordByte(text[i-1]) || end < len(text) && wordByte(text[end]) {
			b.WriteString(text[:end])
		} else {
			b.WriteString(text[:i] + s.shown)
		}
		text = text[end:]
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// secrets gathers what a plan must not show: values of the environment, and what its tables have under telling keys.
func (b *builder) secrets() []secret {
	shown, g := map[string]string{}, gatherer{telling: map[string]bool{}}
	for value, name := range b.exp.seen {
		shown[value] = name
	}
	for _, table := range b.plan.written {
		g.table(table, "", shown)
	}
	for _, s := range b.plan.Services {
		g.table(s.expanded, "", shown)
	}
	for _, c := range b.plan.Checks {
		g.table(c.raw, "", shown)
	}
	var out []secret
	for _, value := range sortedKeys(shown) {
		whole := len(value) < wholeBelow
		if _, err := strconv.Atoi(value); len(value) < secretMin || whole && err == nil && shown[value] != secretText {
			continue
		}
		// As it is, and as others repeat it: quoted by Go, escaped in a URL.
		forms := map[string]bool{value: true, strings.Trim(strconv.Quote(value), `"`): true, url.QueryEscape(value): true, url.PathEscape(value): true}
		for form := range forms {
			out = append(out, secret{form, shown[value], whole})
		}
	}
	return out
}

// gatherer looks through tables. telling is isSecretKey, remembered for the thousands of tables of one kind.
type gatherer struct{ telling map[string]bool }

// table notes the values below a table that must not be shown. What came from the environment is known already.
func (g gatherer) table(table map[string]any, key string, shown map[string]string) {
	for name, v := range table {
		here := dotted(key, name)
		switch v := v.(type) {
		case map[string]any:
			g.table(v, here, shown)
		case string:
			if shown[v] != "" || strings.Contains(v, "${") {
				continue
			}
			telling, known := g.telling[here]
			if !known {
				telling = isSecretKey(here)
				g.telling[here] = telling
			}
			if telling {
				shown[v] = secretText
			} else if password := passwordIn(v); password != "" {
				shown[password] = secretText
			}
		}
	}
}

// passwordIn is the password of a URL, "" where there is none.
func passwordIn(text string) string {
	if !strings.Contains(text, "://") {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}

// Written is one of a service's values as the file has it, with ${NAME} as it stands there: what may be shown of a path
// or a user. "" where the key is not a text or is not written.
func (s *Service) Written(key string) string {
	text, _ := s.raw[key].(string)
	return text
}

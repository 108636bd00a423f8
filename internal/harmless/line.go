// Package harmless makes text of other people (reasons, names, log lines) harmless to whoever sees it on a terminal.
package harmless

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ActedOn says whether a terminal acts on a character instead of showing it: the control characters, and those that change
// the order or hide what is written.
func ActedOn(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f: // C0, DEL, C1
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return true
	case r >= 0xe0000 && r <= 0xe007f: // tags: invisible
		return true
	}
	return false
}

// Line is text as one line in which what a terminal would act on is written out (\n, \x1b, \u202e), so that nobody can
// forge a line.
func Line(s string) string {
	bad := func(r rune) bool { return ActedOn(r) || r == utf8.RuneError }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		// A byte that is no UTF-8; an honest U+FFFD has three bytes and is shown.
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case ActedOn(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case ActedOn(r) && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ActedOn(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

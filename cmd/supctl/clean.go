package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// harmful are characters that a terminal acts on instead of showing them: the
// control characters, and those that change the order or hide what is written.
func harmful(r rune) bool {
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

// clean shows text from elsewhere (reasons, names, log lines) harmlessly: what a
// terminal would act on is written out, so that nobody can forge a line.
func clean(s string) string {
	bad := func(r rune) bool { return harmful(r) || r == utf8.RuneError }
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
		case harmful(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case harmful(r) && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case harmful(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// cleanText is clean for text of several lines whose breaks are meant.
func cleanText(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range lines {
		// Tabs only indent, and configs and logs are full of them.
		parts := strings.Split(l, "\t")
		for j := range parts {
			parts[j] = clean(parts[j])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

// cleanJSON escapes what json.Marshal leaves as it is and a terminal would act
// on. Such characters stand only within strings, where an escape means the same.
func cleanJSON(b []byte) []byte {
	if strings.IndexFunc(string(b), harmful) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for _, r := range string(b) {
		switch {
		case !harmful(r) || r < 0x20: // Marshal has escaped those below 0x20; a line break of ours stays
			out = utf8.AppendRune(out, r)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default: // a surrogate pair
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return out
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/supd/supd/internal/harmless"
)

// clean shows text from elsewhere (reasons, names, log lines) harmlessly, on one line.
func clean(s string) string { return harmless.Line(s) }

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
	if !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x7f }) { // plain letters, as nearly always
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for _, r := range string(b) {
		switch {
		case !harmless.ActedOn(r) || r < 0x20: // Marshal has escaped those below 0x20; a line break of ours stays
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

// reasonShown bounds a reason in a table, in characters: one that was not written by supctl may be a book.
const reasonShown = 200

// brief is the beginning of a long text, for a table.
func brief(s string) string {
	n := 0
	for i := range s {
		if n++; n > reasonShown {
			return s[:i] + "…"
		}
	}
	return s
}

package checks

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quotedMax bounds how much of a wrong or strange value a message repeats, in bytes.
const quotedMax = 80

// clip cuts text to at most max bytes, on a rune's border, and shows that it did.
func clip(text string, max int) string {
	if len(text) <= max {
		return text
	}
	const mark = "…"
	cut := max - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}

// excerpt quotes what a peer sent, for one line of a message: spaces in a row count once, and nothing it sent can reach a
// terminal raw.
func excerpt(sent []byte) string {
	const look = 4 * quotedMax // enough after spaces are dropped
	if len(sent) > look {
		sent = sent[:look]
	}
	words := strings.FieldsFunc(string(sent), unicode.IsSpace)
	if len(words) == 0 {
		return strconv.Quote(clip(string(sent), quotedMax))
	}
	return strconv.Quote(clip(strings.Join(words, " "), quotedMax))
}

package configs

import (
	"regexp"
	"strings"
)

// The parser names what it found in its own terms, and repeats the text, which may be a secret. Where a line shows which
// slip it is, we say how the line would be right.

// slip is a line that is no TOML, and what to do about it. $1 is what the first group found.
type slip struct {
	line *regexp.Regexp
	say  string
}

// slips are tried in their order.
func slips() []slip {
	return []slip{
		{regexp.MustCompile(`^\s*\[(?:program|fcgi-program|eventlistener):\s*([A-Za-z0-9_.-]+)\s*\]`), `this is supervisord's; write [service.$1]`},
		{regexp.MustCompile(`^\s*\[group:\s*([A-Za-z0-9_.-]+)\s*\]`), `this is supervisord's; write [group.$1]`},
		{regexp.MustCompile(`^\s*\[[^\]"']* [^\]"']*\]`), `a name with a space stands in quotes in TOML, and no service or check may have one`},
		{regexp.MustCompile(`^\s*\[[^\]]*$`), `the "]" of the table's name is missing`},
		{regexp.MustCompile(`^\s*;`), `a comment begins with #`},
		{regexp.MustCompile(`^\s*//`), `a comment begins with #`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*(?i:true|yes|on)\s*(?:#.*)?$`), `write $1 = true`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*(?i:false|no|off)\s*(?:#.*)?$`), `write $1 = false`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*[0-9.]+\s*(?:us|ms|s|m|h|d|sec|min)\b`), `a duration stands in quotes, such as $1 = "10s"`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*0[0-9]+\s*(?:#.*)?$`), `digits with a zero before them stand in quotes, such as $1 = "022"`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*[^\s"'\[{#0-9+-]`), `a text stands in quotes, such as $1 = "…"`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*(?:#.*)?$`), `$1 has no value`},
		{regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*:(?:\s|$)`), `this is TOML: write $1 = VALUE`},
	}
}

// plainSyntax says what is wrong with a line that does not parse. said is the parser's message.
func plainSyntax(line, said string) string {
	for _, s := range slips() {
		m := s.line.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		text := string(s.line.ExpandString(nil, s.say, line, m))
		// systemd's and supervisord's keys come without quotes, so they end here and not at the unknown keys.
		if key, _, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			if hint := foreignHint("service", strings.TrimSpace(key)); hint != "" {
				text += "; " + strings.TrimSpace(key) + " is unknown: " + hint
			}
		}
		return text
	}
	switch {
	case strings.Contains(said, "strings cannot contain newlines"):
		return "a quote is not closed in this line"
	case strings.Contains(said, "array terminator"):
		return `a comma or the "]" of a list is missing before this line`
	case strings.Contains(said, "invalid escape"):
		return `a backslash in "…" begins an escape; write it twice, or the text in '…'`
	}
	return quotedText.ReplaceAllString(said, "something else")
}

// quotedText is what the parser repeats of the file, more than one letter of it.
var quotedText = regexp.MustCompile(`"[^"]{2,}"`)

package configs

import (
	"reflect"
	"strconv"
	"strings"
)

// What people write instead of what is wanted, and how it would be right. An example is made of their own words: a
// message that can be copied is read to its end.

// listExample writes as a list what stands there as one text. Only what a command line or a name may show is repeated.
func listExample(p place, v any) string {
	text, ok := v.(string)
	key := p.rel[strings.LastIndexByte(p.rel, '.')+1:]
	switch {
	case !ok || text == "" || len(text) > quotedMax || isSecretKey(key):
		return `["one", "two"]`
	case !isCommandKey(key):
		return quoteList(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }))
	case strings.ContainsAny(text, "|&;<>$`*?\"'\\~()"): // a shell's business
		return quoteList([]string{"/bin/sh", "-c", text})
	}
	return quoteList(strings.Fields(text))
}

// tableExample writes as a table what stands there as one text: restart = "always".
func tableExample(p place, t reflect.Type, v any) string {
	text, ok := v.(string)
	if !ok || len(text) > quotedMax {
		return ""
	}
	inner := ""
	switch t {
	case reflect.TypeFor[Restart]():
		inner = "policy"
	case reflect.TypeFor[Stop]():
		inner = "signal"
	default:
		return ""
	}
	return ", such as " + p.rel + " = { " + inner + " = " + strconv.Quote(text) + " }"
}

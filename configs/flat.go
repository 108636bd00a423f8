package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/checks"
)

// flat is a table with its keys in dots and its values as TOML text: the form
// in which plans are shown and compared.
type flat map[string]string

// put writes a value below a key; structs and tables become several keys.
func (f flat) put(key string, v reflect.Value) {
	if text, ok := asText(v); ok {
		f[key] = text
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			f.put(key, v.Elem())
		}
	case reflect.Struct:
		for name, index := range fieldIndex(v.Type()) {
			f.put(dotted(key, name), v.FieldByIndex(index))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			f.put(dotted(key, k.String()), v.MapIndex(k))
		}
	case reflect.Slice, reflect.Array:
		elems := make([]string, v.Len())
		for i := range elems {
			sub := flat{}
			sub.put("", v.Index(i))
			elems[i] = sub[""]
		}
		f[key] = "[" + strings.Join(elems, ", ") + "]"
	}
}

// asText writes what is one value in TOML.
func asText(v reflect.Value) (string, bool) {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case time.Duration:
			return strconv.Quote(formatDuration(x)), true
		case OnReload:
			if x.Signal != 0 {
				return strconv.Quote(x.String()), true
			}
			return quoteList(x.Command), true
		case encoding.TextMarshaler:
			if v.Kind() == reflect.Pointer && v.IsNil() {
				return "", false
			}
			text, err := x.MarshalText()
			return strconv.Quote(string(text)), err == nil
		case fmt.Stringer: // values that read themselves write themselves back, see values.go
			if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
				return strconv.Quote(x.String()), true
			}
		}
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String()), true
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), true
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), true
	}
	return "", false
}

// quoteList writes a list of strings in TOML.
func quoteList(list []string) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// dotted adds a part to a key, quoted where TOML wants it.
func dotted(key, part string) string {
	bare := part != "" && !strings.ContainsFunc(part, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if !bare {
		part = strconv.Quote(part)
	}
	if key == "" {
		return part
	}
	return key + "." + part
}

// formatDuration writes a duration as a config has it.
func formatDuration(d time.Duration) string { return checks.Duration(d).String() }

package configs

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/checks"
)

// The toml package's own decoding stops at the first wrong type and cannot
// name the line of a key; hence this one, from the generic tree.

// What is decoded here was parsed before, so every value is one of string,
// int64, float64, bool, time.Time, []any, map[string]any or
// []map[string]any ([[name]]), and nothing else.

// tomlUnmarshaler is toml.Unmarshaler: a type that reads itself from a value.
type tomlUnmarshaler interface{ UnmarshalTOML(v any) error }

// decodeTable fills the structs from the table; each key belongs to the first
// struct that knows it. skip names keys that somebody else reads.
func (c *collector) decodeTable(p place, table map[string]any, skip []string, dsts ...any) {
	// In the order of keys, so that the same config gives the same messages.
next:
	for _, key := range sortedKeys(table) {
		for _, dst := range dsts {
			v := reflect.ValueOf(dst).Elem()
			if index, ok := fieldIndex(v.Type())[key]; ok {
				c.decode(p.key(key), table[key], v.FieldByIndex(index))
				continue next
			}
		}
		if !contains(skip, key) {
			var known []string
			for _, dst := range dsts {
				known = append(known, sortedKeys(fieldIndex(reflect.TypeOf(dst).Elem()))...)
			}
			sort.Strings(known)
			c.unknownKey(p, tableName(reflect.TypeOf(dsts[0]).Elem()), key, known)
		}
	}
}

// unknownKey notes a key that nothing reads: with the name that was meant, or
// with all names when none is near. It is never ignored: a mistyped
// "operator_stop" would restart what somebody stopped.
func (c *collector) unknownKey(p place, table, key string, known []string) {
	at, near, hint := p.key(key), nearest(key, known), foreignHint(table, key)
	switch {
	case strings.EqualFold(near, key): // User, Nice: systemd writes them with a capital
		c.about(at, "unknown key %q; keys are in small letters: %q", at.rel, strings.TrimSuffix(at.rel, key)+near)
	case hint != "":
		c.about(at, "unknown key %q; %s", at.rel, hint)
	case near != "":
		c.about(at, "unknown key %q, did you mean %q?", at.rel, strings.TrimSuffix(at.rel, key)+near)
	default:
		c.about(at, "unknown key %q; known here: %s", at.rel, strings.Join(known, ", "))
	}
}

// fieldIndex lists a struct's fields by toml tag, embedded structs' too. The map is shared: nobody writes to it.
func fieldIndex(t reflect.Type) map[string][]int {
	if index, known := knownIndexes()[t]; known {
		return index
	}
	return newFieldIndex(t)
}

// knownIndexes has the tables of which a large host has thousands, made once.
var knownIndexes = sync.OnceValue(func() map[reflect.Type]map[string][]int {
	out := map[reflect.Type]map[string][]int{}
	for _, table := range configTables() {
		t := reflect.TypeOf(table.value)
		out[t] = newFieldIndex(t)
	}
	for _, k := range checks.Kinds() {
		t := reflect.TypeOf(k.New()).Elem()
		out[t] = newFieldIndex(t)
	}
	out[reflect.TypeFor[checks.Options]()] = newFieldIndex(reflect.TypeFor[checks.Options]())
	return out
})

// newFieldIndex is fieldIndex, looked up afresh.
func newFieldIndex(t reflect.Type) map[string][]int {
	index := map[string][]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			for name, below := range newFieldIndex(f.Type) {
				index[name] = append([]int{i}, below...)
			}
		case tag != "" && tag != "-" && f.IsExported():
			index[tag] = []int{i}
		}
	}
	return index
}

// decode sets dst from v, or notes what is wrong with v.
func (c *collector) decode(p place, v any, dst reflect.Value) {
	// Types that read themselves come first: they know best what they want.
	if u, ok := dst.Addr().Interface().(tomlUnmarshaler); ok {
		if err := u.UnmarshalTOML(v); err != nil {
			c.add(p, "%s", err)
		}
		return
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		text, ok := v.(string)
		if !ok {
			c.wantType(p, "a string", v)
		} else if err := u.UnmarshalText([]byte(text)); err != nil {
			c.add(p, "%s", err)
		}
		return
	}
	if dst.Type() == reflect.TypeFor[time.Duration]() {
		c.decodeDuration(p, v, dst)
		return
	}
	switch dst.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			dst.SetString(s)
			return
		}
		want := "a string"
		if n, isNumber := v.(int64); isNumber {
			want = fmt.Sprintf(`a string, such as "%d"`, n)
		}
		c.wantType(p, want, v)
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			dst.SetBool(b)
			return
		}
		c.wantType(p, "true or false, without quotes", v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := v.(int64)
		if ok && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return
		}
		c.wantType(p, "a whole number", v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := v.(int64)
		if ok && n >= 0 && !dst.OverflowUint(uint64(n)) {
			dst.SetUint(uint64(n))
			return
		}
		c.wantType(p, "a whole number, zero or more", v)
	case reflect.Float32, reflect.Float64:
		c.decodeFloat(p, v, dst)
	case reflect.Slice:
		c.decodeSlice(p, v, dst)
	case reflect.Map:
		c.decodeMap(p, v, dst)
	case reflect.Struct:
		table, ok := v.(map[string]any)
		if !ok {
			c.wantType(p, "a table"+tableExample(p, dst.Type(), v), v)
			return
		}
		c.decodeTable(p, table, nil, dst.Addr().Interface())
	case reflect.Pointer:
		fresh := reflect.New(dst.Type().Elem())
		c.decode(p, v, fresh.Elem())
		dst.Set(fresh)
	case reflect.Interface:
		dst.Set(reflect.ValueOf(v))
	default: // a field of a kind that no config value has: a mistake in this program
		c.add(p, "cannot be read into a %s", dst.Type())
	}
}

// decodeDuration reads a duration with its unit. A bare number is refused: some
// programs take it for seconds, others for minutes.
func (c *collector) decodeDuration(p place, v any, dst reflect.Value) {
	text, ok := v.(string)
	if !ok {
		want := `a duration with its unit, such as "90s", "10m", "2h" or "3d"`
		if n, isNumber := v.(int64); isNumber && n > 0 {
			want = fmt.Sprintf(`a duration with its unit, such as "%ds" or "%dm"`, n, n)
		}
		c.wantType(p, want, v)
		return
	}
	d, err := checks.ParseDuration(text)
	if err != nil {
		c.add(p, "%s", err)
		return
	}
	dst.SetInt(int64(d))
}

// decodeFloat takes whole numbers too (factor = 2), and neither NaN nor
// infinity, which TOML can write and no policy can mean.
func (c *collector) decodeFloat(p place, v any, dst reflect.Value) {
	switch n := v.(type) {
	case float64:
		if !math.IsNaN(n) && !math.IsInf(n, 0) {
			dst.SetFloat(n)
			return
		}
	case int64:
		dst.SetFloat(float64(n))
		return
	}
	c.wantType(p, "a number", v)
}

// decodeSlice reads every element even after a wrong one: each has a line of
// its own to be told.
func (c *collector) decodeSlice(p place, v any, dst reflect.Value) {
	list, ok := v.([]any)
	if !ok {
		want := "a list"
		if dst.Type().Elem().Kind() == reflect.String {
			want = "a list of strings, such as " + listExample(p, v)
		}
		c.wantType(p, want, v)
		return
	}
	out := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, elem := range list {
		c.decode(p.element(i), elem, out.Index(i))
	}
	dst.Set(out)
}

// decodeMap reads a table whose keys are names that the user chose.
func (c *collector) decodeMap(p place, v any, dst reflect.Value) {
	table, ok := v.(map[string]any)
	if !ok {
		c.wantType(p, `a table, such as { NAME = "value" }`, v)
		return
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(table))
	for _, key := range sortedKeys(table) {
		elem := reflect.New(dst.Type().Elem()).Elem()
		c.decode(p.key(key), table[key], elem)
		out.SetMapIndex(reflect.ValueOf(key), elem)
	}
	dst.Set(out)
}

// wantType notes that a value has the wrong kind. want goes on after "must be".
func (c *collector) wantType(p place, want string, got any) {
	if isSecretKey(p.rel) { // a PIN is a number
		plain, _, _ := strings.Cut(want, ",")
		c.add(p, "must be %s", plain)
		return
	}
	c.add(p, "must be %s, not %s", want, showValue(got))
}

// showValue names a value's kind; the value itself may be a secret.
func showValue(v any) string {
	switch v := v.(type) {
	case string:
		return "a string"
	case bool:
		return fmt.Sprintf("%t", v)
	case int64:
		return fmt.Sprintf("the number %d", v)
	case float64:
		return fmt.Sprintf("the number %v", v)
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	}
	return fmt.Sprintf("a %T", v)
}

// quotedMax bounds how much of a wrong value a message repeats, in bytes.
const quotedMax = 80

// quoteValue repeats a wrong value. What came from the environment is masked
// later, in load, for all messages at once.
func quoteValue(s string) string {
	if len(s) > quotedMax {
		s = s[:quotedMax] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// sortedKeys makes an order where a map has none, so that the same config gives
// the same messages.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

package configs

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Values that are written as one string are written back as they were read.
func TestValuesReadWhatTheyWrite(t *testing.T) {
	type value interface {
		tomlUnmarshaler
		fmt.Stringer
	}
	for _, tc := range []struct {
		fresh func() value
		text  string
	}{
		{func() value { return new(Ready) }, "notify"},
		{func() value { return new(Ready) }, "check:http"},
		{func() value { return new(Ready) }, "delay:1m30s"},
		{func() value { return new(Limit) }, "10 in 10m"},
		{func() value { return new(Limit) }, ""},
		{func() value { return new(Signal) }, "TERM"},
		{func() value { return new(Signal) }, "WINCH"},
		{func() value { return new(Umask) }, "027"},
		{func() value { return new(OnReload) }, "signal:HUP"},
	} {
		v := tc.fresh()
		if err := v.UnmarshalTOML(tc.text); err != nil {
			t.Errorf("%T %q: %v", v, tc.text, err)
		} else if got := v.String(); got != tc.text {
			t.Errorf("%T %q is written back as %q", v, tc.text, got)
		}
	}
}

func TestValuesSayWhatTheyWant(t *testing.T) {
	for _, tc := range []struct {
		into tomlUnmarshaler
		v    any
		want string
	}{
		{new(Ready), "soon", `"soon" is unknown; want "notify", "check:NAME", "log:PATTERN" or "delay:DURATION"`},
		{new(Ready), "check:", `"check:" is unknown; want "notify", "check:NAME", "log:PATTERN" or "delay:DURATION"`},
		{new(Ready), "delay:5", `"5" has no unit`},
		{new(Ready), int64(5), "must be a string, not the number 5"},
		{new(Limit), "10", `"10" is no limit; write it such as "10 in 10m", or "" for none`},
		{new(Limit), "0 in 10m", `"0 in 10m" is no limit`},
		{new(Limit), "10 in 0s", `"10 in 0s" has no time to count in`},
		{new(Limit), "10 in ten", `"ten" is no duration`},
		{new(Limit), true, `must be a string such as "10 in 10m", not true`},
		{new(Signal), "", `"" is no signal`},
		{new(Signal), 1.5, `must be a signal's name such as "TERM", not the number 1.5`},
		{new(Umask), "0999", "must be octal digits"},
		{new(Umask), "1777", "must be octal digits"},
		{new(Umask), int64(22), "must be octal digits"},
		{new(OnReload), "HUP", `"HUP" is unknown; want "signal:NAME", "notify:NAME" or a command line`},
		{new(OnReload), "signal:HOP", `"HOP" is no signal`},
		{new(OnReload), []any{"/bin/a", int64(1)}, "must be a list of strings, but argument 1 is the number 1"},
		{new(OnReload), map[string]any{}, `must be "signal:NAME" or a command line, not a table`},
	} {
		err := tc.into.UnmarshalTOML(tc.v)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%T from %v: %v, want %s…", tc.into, tc.v, err, tc.want)
		}
	}
}

// Different commands never look the same: the text is an identity.
func TestCommandLineIsUnambiguous(t *testing.T) {
	seen := map[string][]string{}
	for _, argv := range [][]string{
		{"a", "b"}, {"a b"}, {"a", ""}, {"a"}, {"a", "\"b\""}, {"a", "'b'"}, {"a", `\b`}, {"a", "b\n"}, {"a", "#b"}, {"a", "ü"}, {"a\tb"},
	} {
		line := commandLine(argv)
		if other, twice := seen[line]; twice {
			t.Errorf("%q and %q are both %s", argv, other, line)
		}
		seen[line] = argv
	}
}

func TestNearest(t *testing.T) {
	known := []string{"command", "description", "depends_on", "dir", "user", "groups", "group"}
	for name, want := range map[string]string{
		"comand": "command", "commnad": "command", "Command": "command", "dependson": "depends_on", "usr": "user",
		"gruop": "group", "group": "group", "color": "", "x": "", "": "",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, tc := range []struct{ text, want, mistake string }{
		{"plain", "plain", ""},
		{"$HOME and $", "$HOME and $", ""},
		{"${SUPD_TEST_HOST}", "db.example.org", ""},
		{"a${SUPD_TEST_HOST}b${SUPD_TEST_HOST}c", "adb.example.orgbdb.example.orgc", ""},
		{"$${SUPD_TEST_HOST}", "${SUPD_TEST_HOST}", ""},
		{"$${A}${SUPD_TEST_HOST}", "${A}db.example.org", ""},
		{"${NOT_SET}", "", "key needs the environment variable NOT_SET"},
		{"${", "", "key has a \"${\" without a name"},
		{"${}", "", "key has a \"${\" without a name"},
		{"${A B}", "", "key has a \"${\" without a name"},
	} {
		c := &collector{}
		got := newExpander(testEnv, c).text(place{rel: "key"}, tc.text)
		said := c.mistakes().Text()
		if got != tc.want && tc.mistake == "" || !strings.HasPrefix(said, ": "+tc.mistake) && tc.mistake != "" || said != "" && tc.mistake == "" {
			t.Errorf("%s: %q, mistakes %q", tc.text, got, said)
		}
	}
}

// A list keeps its other elements, and the tree as written stays as it is.
func TestExpandSharesNothingItChanges(t *testing.T) {
	raw := map[string]any{
		"list":    []any{"a", "${SUPD_TEST_HOST}", int64(3)},
		"command": []any{"/bin/sh", "-c", "echo ${SUPD_TEST_HOST}"},
		"below":   map[string]any{"x": "${SUPD_TEST_HOST}"},
	}
	got := newExpander(testEnv, &collector{}).table(place{src: &source{expands: true}}, raw)
	want := map[string]any{
		"list":    []any{"a", "db.example.org", int64(3)},
		"command": []any{"/bin/sh", "-c", "echo ${SUPD_TEST_HOST}"},
		"below":   map[string]any{"x": "db.example.org"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if raw["list"].([]any)[1] != "${SUPD_TEST_HOST}" || raw["below"].(map[string]any)["x"] != "${SUPD_TEST_HOST}" {
		t.Errorf("the table as written has changed: %v", raw)
	}
}

func TestNoMistakesAreNoError(t *testing.T) {
	if err := (Mistakes{}).Err(); err != nil {
		t.Errorf("%v", err)
	}
	err := Mistakes{{File: "a", Line: 1, Text: "x"}, {File: "b", Text: "y"}}.Err()
	if err == nil || err.Error() != "a:1: x (and 1 more: supctl config check lists them)" {
		t.Errorf("%v", err)
	}
}

func TestSecretKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"password": true, "check.db.password": true, "password_file": false, "env.DB_PASS": true, "env.AWS_KEY": true, "env.API_TOKEN": true,
		"env.PATH": false, "env.KEYBOARD": false, "headers.Authorization": true, "command": false, `env."X_KEY"`: true, "ssl_key": false,
	} {
		if got := isSecretKey(key); got != want {
			t.Errorf("%s: %t", key, got)
		}
	}
}

// decodeInto reads one value into a fresh T and returns what was said.
func decodeInto[T any](v any) (T, string) {
	var dst T
	c := &collector{}
	c.decode(place{rel: "key"}, v, reflect.ValueOf(&dst).Elem())
	return dst, strings.TrimPrefix(c.mistakes().Text(), ": key ")
}

func TestDecodeNumbersWithinTheirType(t *testing.T) {
	if v, said := decodeInto[int8](int64(127)); v != 127 || said != "" {
		t.Errorf("int8: %d %s", v, said)
	}
	if _, said := decodeInto[int8](int64(128)); said != "must be a whole number, not the number 128" {
		t.Errorf("int8: %s", said)
	}
	if _, said := decodeInto[uint16](int64(-1)); said != "must be a whole number, zero or more, not the number -1" {
		t.Errorf("uint16: %s", said)
	}
	if v, said := decodeInto[float64](int64(2)); v != 2 || said != "" {
		t.Errorf("a whole number is a number: %v %s", v, said)
	}
	if v, said := decodeInto[*int](int64(7)); v == nil || *v != 7 || said != "" {
		t.Errorf("pointer: %v %s", v, said)
	}
	if v, said := decodeInto[time.Duration]("1h30m"); v != 90*time.Minute || said != "" {
		t.Errorf("duration: %v %s", v, said)
	}
	if _, said := decodeInto[map[string]string](map[string]any{"a": time.Time{}}); !strings.HasSuffix(said, "key.a must be a string, not a date") {
		t.Errorf("map: %s", said)
	}
	if _, said := decodeInto[map[string]string]("x"); said != `must be a table, such as { NAME = "value" }, not a string` {
		t.Errorf("map: %s", said)
	}
	if _, said := decodeInto[[]int]([]any{"x"}); said != "must be a whole number, not a string" {
		t.Errorf("list: %s", said)
	}
	if _, said := decodeInto[chan int]("x"); said != "cannot be read into a chan int" {
		t.Errorf("a mistake in the program is said: %s", said)
	}
}

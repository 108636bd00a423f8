package lockfile

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// The lock in docs/lock-format.md is one, and every key of it is described there.
func TestDocsLockFormat(t *testing.T) {
	page, err := os.ReadFile("../docs/lock-format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, words, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	l, err := parseLock([]byte(example), "wukvkl42kixstsx3")
	if err != nil {
		t.Fatal(err)
	}
	if l.Owner.Name != "alice" || !l.MeantDown || l.Members["db"].Command == "" || len(l.extra) > 0 {
		t.Errorf("the example says something else: %+v", l)
	}
	for _, key := range tomlKeys(Lock{}) {
		if key != "format" && !strings.Contains(words, "`"+key+"`") {
			t.Errorf("docs/lock-format.md does not say what %q means", key)
		}
	}
	for _, key := range append(tomlKeys(Hold{}), tomlKeys(Record{})...) {
		if key != "format" && !strings.Contains(words, "`"+key+"`") {
			t.Errorf("docs/lock-format.md does not name %q", key)
		}
	}
}

// tomlKeys are the keys of a file's struct.
func tomlKeys(v any) []string {
	var keys []string
	typ := reflect.TypeOf(v)
	for i := range typ.NumField() {
		if key, _, _ := strings.Cut(typ.Field(i).Tag.Get("toml"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

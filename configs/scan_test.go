package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestPositions(t *testing.T) {
	text, err := os.ReadFile("testdata/bad/positions.toml")
	if err != nil {
		t.Fatal(err)
	}
	pos := scanPositions(string(text))
	for _, tc := range []struct {
		path []string
		line int
	}{
		{[]string{"service", "d b", "command"}, 2},
		{[]string{"service", "web"}, 4},
		{[]string{"service", "web", "command"}, 5},
		{[]string{"service", "web", "command", "0"}, 6},
		{[]string{"service", "web", "command", "1"}, 7},
		{[]string{"service", "web", "env", "A"}, 12},
		{[]string{"service", "web", "env", "B-C"}, 13},
		{[]string{"service", "web", "restart", "backoff", "jitter"}, 14},
		{[]string{"service", "web", "user"}, 15},
		{[]string{"service", "web", "stop", "timeout"}, 16},
		{[]string{"service", "web", "not", "there"}, 4}, // the nearest table that is
		{[]string{"nowhere"}, 0},
	} {
		if got := pos.line(joinKey(tc.path...)); got != tc.line {
			t.Errorf("%s: line %d, want %d", strings.Join(tc.path, "."), got, tc.line)
		}
	}
	if _, found := pos.lines[joinKey("service", "fake")]; found {
		t.Error("a header inside a string is taken for one")
	}
}

func TestHeaderBeatsMention(t *testing.T) {
	pos := scanPositions("[service.db.check.ping]\ntype = \"tcp\"\n\n[service.db]\ncommand = [\"x\"]\n")
	if got := pos.line(joinKey("service", "db")); got != 4 {
		t.Errorf("service.db stands in line 4, not where its check is: %d", got)
	}
}

// keysHaveLines holds the scanner against the real parser: every key that the
// parser knows has a line, and the key's last part stands in it.
func keysHaveLines(text string) error {
	tree := map[string]any{}
	meta, err := toml.Decode(text, &tree)
	if err != nil {
		return nil
	}
	lines := strings.Split(text, "\n")
	pos := scanPositions(text)
	for _, key := range meta.Keys() {
		if insideArray(pos, key) { // such keys carry an index here, and none there
			continue
		}
		at, ok := pos.lines[joinKey(key...)]
		line := int(at.line)
		if !ok || line < 1 || line > len(lines) {
			return fmt.Errorf("key %q has line %d", key, line)
		}
		last := key[len(key)-1]
		if isEnvName(last) && !strings.Contains(lines[line-1], last) && !strings.Contains(lines[line-1], `\`) {
			return fmt.Errorf("key %q is said to be in line %d: %q", key, line, lines[line-1])
		}
	}
	return nil
}

func insideArray(pos positions, key toml.Key) bool {
	for i := 1; i < len(key); i++ {
		if _, found := pos.lines[joinKey(joinKey(key[:i]...), "0")]; found {
			return true
		}
	}
	return false
}

func TestEveryKeyHasALine(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("examples/*.toml")
	if err != nil || len(more) == 0 {
		t.Fatal(err)
	}
	for _, file := range append(files, append(more, "demo.toml")...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := keysHaveLines(string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func FuzzPositions(f *testing.F) {
	for _, seed := range []string{
		"a=1", "[a.b]\nc.d = { e = 1, \"f g\" = [ {h=1} ] }", "a = '''\n[x]\n'''\nb=\"\"\"\\\"\"\"\"", "\"a\\u0041\" . b = 1 # c", "[[a]]\n[[a.b]]\nc=1", "a = [\n1, # x\n2\n]\nb=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := keysHaveLines(text); err != nil {
			t.Error(err)
		}
	})
}

// Whatever a config says, Load gives a plan or mistakes, each with a place.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "demo.toml", "examples/web.toml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") {
			return // would read files of this machine
		}
		plan, mistakes := LoadBytes("fuzz.toml", "/nonexistent", []byte(text), Options{Env: testEnv, Trust: TrustAny})
		switch {
		case plan == nil && len(mistakes) == 0:
			t.Error("neither a plan nor a mistake")
		case plan != nil && mistakes != nil:
			t.Error("a plan with mistakes")
		case plan != nil:
			plan.Effective()
			if changes := Diff(plan, plan); len(changes) != 0 {
				t.Errorf("a plan differs from itself: %+v", changes)
			}
		}
		lines := strings.Count(text, "\n") + 1
		for _, m := range mistakes {
			if m.File != "fuzz.toml" || m.Line > lines || m.Text == "" || strings.Contains(m.Text, "%!") {
				t.Errorf("mistake %q", m)
			}
		}
	})
}

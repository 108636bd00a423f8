package configs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Rewritten as it was, as configuration management does every half hour, a config is the same; anything else is not.
func TestSameSeesEveryChangeAndNoRewrite(t *testing.T) {
	const a = "[service.a]\ncommand = [\"/bin/true\"]\n"
	for what, c := range map[string]struct {
		do   func(dir string) error
		same bool
	}{
		"nothing": {func(string) error { return nil }, true},
		"touched": {func(dir string) error {
			return os.Chtimes(dir+"/conf.d/a.toml", time.Time{}, time.Now().Add(time.Hour))
		}, true},
		"written again":   {func(dir string) error { return os.WriteFile(dir+"/conf.d/a.toml", []byte(a), 0o600) }, true},
		"one byte":        {func(dir string) error { return os.WriteFile(dir+"/conf.d/a.toml", []byte(a[:len(a)-2]+" \n"), 0o600) }, false},
		"a new include":   {func(dir string) error { return os.WriteFile(dir+"/conf.d/b.toml", nil, 0o600) }, false},
		"an include gone": {func(dir string) error { return os.Remove(dir + "/conf.d/a.toml") }, false},
		"renamed":         {func(dir string) error { return os.Rename(dir+"/conf.d/a.toml", dir+"/conf.d/c.toml") }, false},
		"a directory":     {func(dir string) error { return os.Rename(dir+"/conf.d", dir+"/supd.toml") }, false},
		"main gone":       {func(dir string) error { return os.Remove(dir + "/supd.toml") }, false},
	} {
		dir := t.TempDir()
		main := filepath.Join(dir, "supd.toml")
		if err := os.Mkdir(dir+"/conf.d", 0o700); err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string]string{main: "include = [\"conf.d/*.toml\"]\n", dir + "/conf.d/a.toml": a} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		plan, mistakes := Load(main, Options{Trust: TrustAny})
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		if what == "a directory" {
			if err := os.Remove(main); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.do(dir); err != nil {
			t.Fatal(what, err)
		}
		if is := plan.Same(); is != c.same {
			t.Errorf("%s: the same is %v", what, is)
		}
	}
	plan, mistakes := LoadBytes("demo", "/", []byte(a), Options{})
	if len(mistakes) > 0 || plan.Same() {
		t.Errorf("a plan that is not from files is the same as what is on disk, %v", mistakes)
	}
}

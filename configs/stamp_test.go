package configs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The stamp must change with whatever would change what is read, and must not claim to know of a change just now.
func TestStampSeesEveryChange(t *testing.T) {
	dir := t.TempDir()
	main, part := filepath.Join(dir, "supd.toml"), filepath.Join(dir, "conf.d", "a.toml")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(main, "include = [\"conf.d/*.toml\"]\n")
	write(part, "[service.a]\ncommand = [\"/bin/true\"]\n")
	plan, mistakes := Load(main, Options{Trust: TrustAny})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	for judged := false; !judged; { // again where the machine was too slow to tell
		write(part, "[service.a]\ncommand = [\"/bin/true\"]\n")
		began := time.Now()
		s := plan.Stamp()
		if judged = time.Since(began) < stampAge/2; judged && s != "" {
			t.Errorf("a file changed just now has the stamp %q; a second change within the same tick would go unseen", s)
		}
	}
	settled := func() string {
		t.Helper()
		end := time.After(4 * stampAgeCoarse)
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			if s := plan.Stamp(); s != "" {
				return s
			}
			select {
			case <-tick.C:
			case <-end:
				t.Fatal("no stamp although nothing changes any more")
			}
		}
	}
	before := settled()
	if s := plan.StampAt(time.Now().Add(-time.Hour)); s != "" {
		t.Errorf("of files that changed after they were read the stamp is %q", s)
	}
	if again := plan.Stamp(); again != before {
		t.Errorf("nothing changed: %q, then %q", before, again)
	}
	write(filepath.Join(dir, "conf.d", "b.toml"), "[service.b]\ncommand = [\"/bin/true\"]\n")
	if s := plan.Stamp(); s == before {
		t.Error("a new include goes unseen")
	}
	if after := settled(); after == before {
		t.Error("a new include goes unseen once it is old")
	}
	if err := os.Remove(part); err != nil {
		t.Fatal(err)
	}
	if s := plan.Stamp(); s != "" {
		t.Errorf("a file that is gone: stamp %q", s)
	}
}

package configs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the texts that the bad fixtures give; read them before you commit")

// testEnv is the environment of every fixture.
func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"SUPD_TEST_SECRET": "hunter2hunter2", "SUPD_TEST_HOST": "db.example.org", "SUPD_TEST_MODE": "observe", "SUPD_TEST_WAIT": "30s"}[name]
	return v, ok
}

// Each testdata/bad/FAULT.toml has every form of one fault; FAULT.txt is what
// supd says about it, to the letter.
func TestBadConfigs(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("fixtures: %d, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			plan, mistakes := Load(file, Options{Env: testEnv, Trust: TrustAny})
			if plan != nil || len(mistakes) == 0 {
				t.Fatalf("a bad config gave a plan, mistakes: %v", mistakes)
			}
			got := strings.ReplaceAll(mistakes.Text(), "testdata/bad/", "") + "\n"
			golden := strings.TrimSuffix(file, ".toml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("mistakes:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

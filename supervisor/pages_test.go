package supervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages of metrics and events name what the code has, and nothing else.

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// allOf are the first groups of a pattern's matches, each once.
func allOf(pattern, text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestDocsMetrics(t *testing.T) {
	code := allOf(`"(supd_[a-z_]+)"`, read(t, "metrics.go"))
	page := allOf("(?m)^\\| `(supd_[a-z_]+)`", read(t, "../docs/metrics.md"))
	if !slices.Equal(code, page) {
		t.Errorf("docs/metrics.md has %q, the code has %q", page, code)
	}
	for _, name := range allOf(`(supd_[a-z_]+)`, read(t, "../docs/supd.rules.yml")) {
		if !slices.Contains(code, name) {
			t.Errorf("docs/supd.rules.yml asks for %s, which is no metric", name)
		}
	}
}

func TestDocsAlertRules(t *testing.T) {
	out, err := exec.Command("promtool", "check", "rules", "../docs/supd.rules.yml").CombinedOutput()
	if err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// Types of events are constants of core and journal, and the literals that this package records.
func TestDocsEvents(t *testing.T) {
	code := allOf(`= +"([a-z]+\.[a-z_]*)"`, read(t, "core/events.go")+read(t, "../internal/journal/event.go"))
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			code = append(code, allOf(`(?:record\(|Type: )"([a-z]+\.[a-z_]+)"`, read(t, file))...)
		}
	}
	slices.Sort(code)
	code = slices.Compact(code)
	page := read(t, "../docs/events.md")
	for _, name := range code {
		if strings.HasPrefix(name, "would.") {
			name = "would.VERB"
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/events.md does not say what %s is", name)
		}
	}
	for _, name := range allOf("`([a-z]+\\.[a-z_]+)`", page) {
		if !slices.Contains(code, name) && !strings.HasSuffix(name, ".db") {
			t.Errorf("docs/events.md has %s, which nothing records", name)
		}
	}
}

// The README claims of supd only what an end-to-end test shows: a test is named for each row of its table.
func TestDocsRowsHaveTests(t *testing.T) {
	files, err := filepath.Glob("../internal/e2e/row*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		tests.WriteString(read(t, file))
	}
	rows := allOf(`(?m)^\| (\d+) \|`, read(t, "../README.md"))
	if len(rows) < 10 {
		t.Errorf("only %d rows were found", len(rows))
	}
	for _, row := range rows {
		if len(row) == 1 {
			row = "0" + row
		}
		if !strings.Contains(tests.String(), "func TestRow"+row+"_") {
			t.Errorf("the README says what happens in row %s, and no end-to-end test shows it", row)
		}
	}
}

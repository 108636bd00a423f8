package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "write the man pages and the help texts anew; read them before you commit")

// Where the generated texts stand.
const (
	manDir   = "../../docs/man"
	helpFile = "testdata/help.txt"
)

func declared() *cobra.Command { return newRoot(newApp(nil, nil, nil, nil)) }

// walk visits every command that people can see.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			walk(sub, visit)
		}
	}
}

// The man pages in the repository are what the commands say. They are dated by
// the year of the program's beginning, not by the day somebody wrote them anew.
func TestDocsMan(t *testing.T) {
	root := declared()
	root.InitDefaultHelpCmd()
	walk(root, func(c *cobra.Command) { c.DisableAutoGenTag = true })
	fresh := t.TempDir()
	dated := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "supd", Manual: "supd", Date: &dated}, fresh); err != nil {
		t.Fatal(err)
	}
	if *update {
		for _, n := range names(t, manDir) {
			if err := os.Remove(filepath.Join(manDir, n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.CopyFS(manDir, os.DirFS(fresh)); err != nil {
			t.Fatal(err)
		}
	}
	want, have := names(t, fresh), names(t, manDir)
	if !slices.Equal(want, have) {
		t.Fatalf("docs/man has %q, want %q; make docs writes them", have, want)
	}
	for _, n := range want {
		a, errA := os.ReadFile(filepath.Join(fresh, n))
		b, errB := os.ReadFile(filepath.Join(manDir, n))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("docs/man/%s is not what the command says (%v, %v); make docs writes it", n, errA, errB)
		}
	}
}

// names are supctl's pages in a directory; supd's stands beside them.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "supctl") {
			out = append(out, e.Name())
		}
	}
	return out
}

// Every flag, default and sentence of the help, so that none changes unseen.
func TestDocsHelp(t *testing.T) {
	var b strings.Builder
	walk(declared(), func(c *cobra.Command) {
		fmt.Fprintf(&b, "=== %s --help\n", c.CommandPath())
		var out bytes.Buffer
		if code := run(append(strings.Fields(c.CommandPath())[1:], "--help"), nil, &out, &out); code != 0 {
			t.Errorf("%s --help: exit code %d", c.CommandPath(), code)
		}
		fmt.Fprintf(&b, "%s\n", strings.TrimSpace(out.String()))
	})
	if *update {
		if err := os.WriteFile(helpFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(helpFile)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the help has changed; if that is meant: make docs\n%s", firstDifference(b.String(), string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: %q, was %q", i+1, g[i], w[i])
		}
	}
	return "one has more lines"
}

// What help promises: a description, and an example that is a supctl line.
func TestEveryCommandHasAnExample(t *testing.T) {
	walk(declared(), func(c *cobra.Command) {
		if c.Short == "" || !strings.Contains(c.Example, "supctl") {
			t.Errorf("%s: short %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		if strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short text ends in a dot", c.CommandPath())
		}
	})
}

// Every example is understood: no flag in it is unknown, no argument missing.
func TestExamplesParse(t *testing.T) {
	walk(declared(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			line, _, _ = strings.Cut(line, "|")
			line, _, _ = strings.Cut(line, ">")
			words := split(strings.TrimSpace(line))
			if len(words) < 2 || words[0] != "supctl" {
				continue
			}
			found, rest, err := declared().Find(words[1:])
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err == nil {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil || !found.Runnable() {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
			}
		}
	})
}

// split splits a line as a shell would, with double quotes only.
func split(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

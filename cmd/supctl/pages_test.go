package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// calls are the places where a text calls supctl: in code, with a lower-case word behind it.
var calls = regexp.MustCompile("(?:`|^ +\\$? ?|^ {4,})supctl ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")

// Every supctl command that the documents name exists.
func TestDocsNameCommandsThatExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			for _, m := range calls.FindAllStringSubmatch(line, -1) {
				found++
				words := strings.Fields(m[1])
				c, rest, err := declared().Find(words)
				// A family takes no service's name: what follows it has to be one of its commands.
				if err != nil || c == c.Root() || c.HasSubCommands() && len(rest) > 0 {
					t.Errorf("%s:%d: supctl %s: no such command", filepath.Base(page), n+1, m[1])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d calls were found", found)
	}
}

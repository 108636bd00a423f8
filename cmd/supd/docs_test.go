package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The manual page and the help name the same flags and signals.
func TestDocsManNamesEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/man/supd.8")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), `\-`, "-")
	for _, what := range []*regexp.Regexp{regexp.MustCompile(`--[a-z-]+`), regexp.MustCompile(`\bSIG[A-MO-Z][A-Z0-9]*`)} {
		said, meant := unique(what, text), unique(what, usage)
		if !slices.Equal(said, meant) {
			t.Errorf("docs/man/supd.8 has %q, supd --help has %q", said, meant)
		}
	}
}

func unique(what *regexp.Regexp, text string) []string {
	found := what.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// Package several makes several errors one that a person can read in one line: a log message, a cell of a table, an answer.
// errors.Join breaks the line, and whoever shows it harmlessly shows a literal \n.
package several

import (
	"slices"
	"strings"
)

// joined is some errors, none of them nil.
type joined []error

// Join is errors.Join on one line, with "; " between the errors. nil if all are nil; one alone stays what it is.
func Join(errs ...error) error {
	some := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return joined(some)
}

// Error is all of them on one line.
func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = Line(err.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap is for errors.Is and errors.As.
func (j joined) Unwrap() []error { return j }

// Line puts the lines of a text (the last words of a program) behind each other.
func Line(text string) string {
	if !strings.Contains(text, "\n") {
		return text
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " / ")
}

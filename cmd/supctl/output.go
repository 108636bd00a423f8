package main

import (
	"fmt"
	"io"
)

// The values of -o.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// writeJSON writes v as one line.
func (a *app) writeJSON(w io.Writer, v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// answer writes v with -o json and otherwise calls text.
func (a *app) answer(v any, text func()) error {
	if a.json() {
		return a.writeJSON(a.out, v)
	}
	text()
	return nil
}

// say writes a line of an answer.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// hint writes a line beside an answer, for people only.
func (a *app) hint(format string, args ...any) {
	if !a.flags.quiet && !a.json() {
		fmt.Fprintf(a.errs, format+"\n", args...)
	}
}

// note is a hint that must not be missed: not even -q silences it.
func (a *app) note(format string, args ...any) {
	if !a.json() {
		fmt.Fprintf(a.errs, format+"\n", args...)
	}
}

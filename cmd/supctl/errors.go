package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/supd/supd/internal/api"
)

// answered is an exit code whose reason was already shown as an answer.
type answered int

// Error is for the log of a test; finish never shows it.
func (c answered) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// code makes an exit code an error; 0 is none.
func code(c int) error {
	if c == api.CodeDone {
		return nil
	}
	return answered(c)
}

// commandCode is the exit code of a command that supctl ran for somebody, and with that supctl's own.
type commandCode int

// Error is for the log of a test; finish never shows it.
func (c commandCode) Error() string { return fmt.Sprintf("the command's exit code %d", int(c)) }

// wrapper marks commands that run another and pass its exit code on: their own failures have a code of their own.
const wrapper = "wrapper"

// usage is wrong usage found by a command itself.
func usage(format string, args ...any) error { return api.Errorf(api.CodeUsage, format, args...) }

// finish shows err and returns the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return api.CodeDone
	}
	if c := commandCode(0); errors.As(err, &c) {
		return int(c)
	}
	if c := answered(0); errors.As(err, &c) {
		if a.wraps {
			return api.CodeWrapper
		}
		return int(c)
	}
	e := a.explain(err)
	if a.wraps {
		e.Code = api.CodeWrapper
	}
	if a.json() {
		a.writeJSON(a.errs, map[string]*api.Error{"error": e})
		return e.Code
	}
	fmt.Fprintf(a.errs, "supctl: %s\n", clean(e.Message))
	if e.Next != "" {
		fmt.Fprintf(a.errs, "  %s\n", clean(e.Next))
	}
	return e.Code
}

// explain gives any error its code and what to do next.
func (a *app) explain(err error) *api.Error {
	var e *api.Error
	switch {
	case errors.As(err, &e):
		c := *e
		e = &c
	// Everything before running comes from the library, which gives its errors no type.
	case !a.running: // cobra's own: unknown command, unknown flag, bad value
		e = api.Errorf(api.CodeUsage, "cannot understand the command line: %v", err)
	default:
		e = api.Errorf(api.CodeOf(err), "%v", err)
	}
	switch {
	case e.Code == api.CodeUsage && e.Next == "":
		e.Next = a.help
	// The very line, quoted for a shell: retyping a reason by hand is where people give up on reasons.
	case e.Code == api.CodeNotAllowed && a.uid != 0:
		e.Next = joinNext(e.Next, "sudo "+a.commandLine())
	}
	return e
}

// joinNext adds a second way out to a first.
func joinNext(next, more string) string {
	if next == "" {
		return more
	}
	return next + "; or: " + more
}

// commandLine is the command as it was given, ready to be pasted into a shell.
func (a *app) commandLine() string {
	words := []string{"supctl"}
	for _, arg := range a.args {
		words = append(words, api.ShellQuote(arg))
	}
	return strings.Join(words, " ")
}

// marshal is JSON that is safe on a terminal as well, see cleanJSON.
func marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return cleanJSON(b), nil
}

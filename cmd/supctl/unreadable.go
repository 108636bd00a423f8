package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/supd/supd/internal/api"
)

// damagedID is the id of a lock whose file cannot be read, from the file's name; false for files of other kinds.
func damagedID(b api.BadLock) (id string, ok bool) {
	id, ok = strings.CutSuffix(filepath.Base(b.File), ".toml")
	return id, ok && strings.Contains(b.File, "/locks/")
}

// badOn picks the files that may be a lock on target: those in its place, and those that leave everything in doubt.
func badOn(bad []api.BadLock, target string) []api.BadLock {
	return slices.DeleteFunc(maybeLocks(bad), func(b api.BadLock) bool { return b.Target != target && b.Target != "" })
}

// maybeLocks leaves out what is no lock for certain, whatever it holds: holds, the plan, and what is no file.
func maybeLocks(bad []api.BadLock) []api.BadLock {
	return slices.DeleteFunc(slices.Clone(bad), func(b api.BadLock) bool {
		return b.File == "" || filepath.Base(b.File) == "plan.toml" || strings.Contains(b.File, "/holds/") && !strings.Contains(b.File, "/locks/")
	})
}

// countsAsLocked says what is held although no lock can be read, and why.
func countsAsLocked(b api.BadLock) string {
	why := "cannot read " + b.File + ": " + b.Reason
	if b.File == "" { // in supd's memory alone
		why = b.Reason
	}
	return orAll(b.Target) + " counts as locked: " + why
}

// inDoubt is CodeUnknown (treat as locked) for what cannot be done because files cannot be read, with the first file and
// what to do about it; nil if there is none.
func inDoubt(doing string, bad []api.BadLock) error {
	if len(bad) == 0 {
		return nil
	}
	b := bad[0]
	e := api.Errorf(api.CodeUnknown, "cannot %s: %s cannot be read (%s); what it covers counts as locked", doing, b.File, b.Reason)
	if id, ok := damagedID(b); ok {
		return e.WithNext("mend the file, or, if it is garbage: supctl maintenance break " + id + " -m REASON")
	}
	return e.WithNext("mend it, or mount its file system; supctl maintenance doctor has the command")
}

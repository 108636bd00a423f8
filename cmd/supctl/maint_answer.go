package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/supd/supd/internal/api"
)

// Headings of an answer to `maintenance start` and `break`, by exit code.
func heading(code int) string {
	switch code {
	case api.CodeInFlight:
		return "LOCKED, IN FLIGHT"
	case api.CodeNotReady:
		return "LOCKED, NOT READY"
	}
	return "LOCKED"
}

// writeLocked writes a line for each lock, then what is in the way, then what to do.
// What is in flight and what to fix is part of the answer, on standard output;
// hints are beside it.
func (a *app) writeLocked(r api.MaintenanceReply) {
	var names []string
	for _, l := range r.Locks {
		names = append(names, l.Target)
		a.say("%s %s", heading(r.Code), a.lockLine(l))
	}
	for _, f := range r.InFlight {
		a.say("  in flight: %s", clean(f.Text))
	}
	for _, n := range r.NotReady {
		a.say("  to fix: %s", clean(n))
	}
	a.writeIsolation(r)
	for _, n := range r.Notes {
		a.note("  %s", clean(n))
	}
	next := r.Next
	if next == "" {
		next = nextForLocked(r, joinTargets(names))
	}
	for _, l := range r.Locks {
		switch {
		case !l.Attached:
			continue
		case l.PID == os.Getpid() && r.Code != api.CodeDone: // whether its command begins at all is said by exec
			next = ""
			continue
		case l.PID == os.Getpid():
			a.hintAttached(l)
		default: // asked for again under an exec: who trusts this answer has to know how long it is true
			a.hint("  the lock on %s is ended by the maintenance exec that took it (process %d) when its command is over", clean(l.Target), l.PID)
		}
		if r.Code == api.CodeDone {
			next = ""
		}
	}
	if next != "" {
		a.hint("  next: %s", clean(next))
	}
}

// hintAttached says when a lock of exec ends.
func (a *app) hintAttached(l api.Lock) {
	a.hint("  the lock on %s is ended, after a try-out, when the command is over", clean(l.Target))
}

// nextForLocked is what to do next where the daemon did not say.
func nextForLocked(r api.MaintenanceReply, targets string) string {
	switch r.Code {
	case api.CodeInFlight:
		return "the same command waits again with the same lock"
	case api.CodeNotReady:
		next := "mend this before you begin, then: supctl maintenance ready " + targets + "; supctl maintenance end " + targets + " gives up"
		if slices.ContainsFunc(r.Locks, func(l api.Lock) bool { return l.Stopped }) {
			next += " (with --start or --leave-stopped where it is down)"
		}
		return next
	}
	return "work, then supctl maintenance end " + targets
}

// lockLine describes a lock in one line.
func (a *app) lockLine(l api.Lock) string {
	text := fmt.Sprintf("%s  id %s  by %s", clean(l.Target), clean(l.ID), clean(l.Owner))
	if l.Until != nil {
		text += "  until " + a.clock(*l.Until)
	}
	if l.Reason != "" {
		text += "  " + clean(brief(l.Reason))
	}
	return text
}

// isolationLines bounds what a lock on many services shows; JSON has all of it.
const isolationLines = 20

// writeIsolation says what else could act: a lock that people wrongly trust is worse than none.
func (a *app) writeIsolation(r api.MaintenanceReply) {
	for i, f := range r.Isolation {
		if i == isolationLines {
			a.say("  and %d more; -o json has them all", len(r.Isolation)-i)
			break
		}
		word := "not isolated"
		if f.Covered {
			word = "covered by the lock"
		}
		a.say("  %s: %s", word, clean(f.Text))
	}
	for _, u := range r.Unseen {
		a.note("  not looked at: %s", clean(u))
	}
}

package lockfile

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// HeldError: the gate refused, because of locks or holds. Nothing was done to any of the services.
type HeldError struct {
	Service string
	Verb    Verb
	Locks   []Lock
	Holds   []Hold
}

func (e *HeldError) Error() string {
	var why []string
	for _, l := range e.Locks {
		w := fmt.Sprintf("locked by %s since %s", l.Owner, l.TakenAt.Format(time.RFC3339))
		if l.Reason != "" {
			w += " (" + l.Reason + ")"
		}
		why = append(why, w)
	}
	for _, h := range e.Holds {
		w := string(h.Kind)
		if h.By != "" {
			w += " by " + h.By
		}
		if h.Reason != "" {
			w += " (" + h.Reason + ")"
		}
		why = append(why, w)
	}
	return fmt.Sprintf("cannot %s %q: held: %s", e.Verb, e.Service, strings.Join(why, "; "))
}

// UnreadableError: the lock state of a service could not be read, so it counts as held.
type UnreadableError struct {
	Service string
	Files   []Unreadable
}

func (e *UnreadableError) Error() string {
	f := e.Files[0]
	return fmt.Sprintf("cannot tell whether %q is locked: %s: %v; it counts as locked until that is mended", e.Service, f.Path, f.Err)
}

// StaleError: the decision was made from a state that is no more. Observe again.
type StaleError struct {
	Service     string
	Why         string
	Interrupted *Record // a dead record was found (and reported)
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("cannot act on %q: %s; observe again", e.Service, e.Why)
}

// BusyError: another action on the service is in flight. Record is nil if the gate is taken and
// nobody has said what for.
type BusyError struct {
	Service string
	Record  *Record
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot act on %q: %s", e.Service, InFlight{e.Service, e.Record})
}

// InFlightError: the wait ran out. After Lock the locks stand; after End they stand too.
type InFlightError struct {
	InFlight
	Locks []Lock
}

func (e *InFlightError) Error() string {
	return fmt.Sprintf("still in flight on %q: %s", e.Service, e.InFlight)
}

// String says in words what is in flight, who does it and since when.
func (f InFlight) String() string {
	r := f.Record
	if r == nil {
		return "its gate is taken, and no record says by whom"
	}
	s := fmt.Sprintf("%s of %s, phase %s, since %s", r.Verb, f.Service, r.Phase, r.Since.Format(time.TimeOnly))
	if r.Verb == VerbExec && r.Reason != "" { // somebody's command: which one is what has to be known
		s = fmt.Sprintf("%s: %s, since %s", r.By, r.Reason, r.Since.Format(time.TimeOnly))
	}
	for _, p := range []struct {
		what string
		Proc
	}{{"script", r.Script}, {"helper", r.Shim}, {"supd", r.Maker}} {
		if p.PID != 0 {
			return s + fmt.Sprintf(", %s pid %d", p.what, p.PID)
		}
	}
	return s
}

// BrokenError: the lock went away while its taker waited.
type BrokenError struct {
	ID string
	By *Lock // the lock that replaced it, if one did
}

func (e *BrokenError) Error() string {
	if e.By != nil {
		return fmt.Sprintf("lock %s was broken by %s while it was being taken", e.ID, e.By.Owner)
	}
	return fmt.Sprintf("lock %s was ended while it was being taken", e.ID)
}

// StandsError: a lock was written, and what had to come after it failed: it stands, and nothing more can be said. The same call
// goes on with it.
type StandsError struct {
	Locks []Lock
	Err   error
}

func (e *StandsError) Error() string {
	var names []string
	for _, l := range e.Locks {
		names = append(names, fmt.Sprintf("lock %s on %s", l.ID, l.Target))
	}
	stands := strings.Join(names, " and ") + " stands"
	if len(names) > 1 {
		stands = strings.Join(names, " and ") + " stand"
	}
	if u := (*UnreadableError)(nil); errors.As(e.Err, &u) { // whether it is locked is no question any more
		return fmt.Sprintf("cannot tell what is in flight on %q: %s: %v; %s", u.Service, u.Files[0].Path, u.Files[0].Err, stands)
	}
	return fmt.Sprintf("%v; %s", e.Err, stands)
}
func (e *StandsError) Unwrap() error { return e.Err }

// NotOwnerError: the lock is somebody else's.
type NotOwnerError struct{ Lock Lock }

func (e *NotOwnerError) Error() string {
	return fmt.Sprintf("lock %s on %s belongs to %s since %s", e.Lock.ID, e.Lock.Target, e.Lock.Owner, e.Lock.TakenAt.Format(time.RFC3339))
}

// TakenUpError: the lock is not attached any more, its owner asked for it again meanwhile.
type TakenUpError struct{ Lock Lock }

func (e *TakenUpError) Error() string {
	return fmt.Sprintf("the lock on %s was asked for again by another command of yours", e.Lock.Target)
}

// GoneError: no lock has this id, or none any more. Ended tells how it went, if that is known.
type GoneError struct {
	ID    string
	Ended *Lock
}

func (e *GoneError) Error() string {
	if e.Ended == nil {
		return fmt.Sprintf("no lock has the id %q", e.ID)
	}
	if e.Ended.Ended == nil {
		return fmt.Sprintf("lock %s on %s has ended", e.ID, e.Ended.Target)
	}
	return fmt.Sprintf("lock %s on %s was ended (%s) by %s", e.ID, e.Ended.Target, e.Ended.Ended.How, e.Ended.Ended.By)
}

// VerifyError: the last lock of a service does not go, because the service could not be shown
// to be well (or down).
type VerifyError struct {
	Service string
	Err     error
}

func (e *VerifyError) Error() string { return fmt.Sprintf("cannot release %q: %v", e.Service, e.Err) }
func (e *VerifyError) Unwrap() error { return e.Err }

// MarkerError: the state directory has no marker: never initialised, or its file system is not
// mounted. Everything counts as held.
type MarkerError struct {
	Path string
	Err  error
}

func (e *MarkerError) Error() string {
	if errors.Is(e.Err, errForeignMarker) {
		return fmt.Sprintf("cannot use state directory %q: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("cannot use state directory %q: no marker file %q: %v; is its file system mounted?", e.Path, "format", e.Err)
}
func (e *MarkerError) Unwrap() error { return e.Err }

// DirError: the state directory cannot be trusted.
type DirError struct{ Path, Why string }

func (e *DirError) Error() string {
	return fmt.Sprintf("cannot use state directory %q: %s", e.Path, e.Why)
}

// SecondDaemonError: another supd runs on this state directory.
type SecondDaemonError struct {
	Path  string
	PID   int   // 0 if unknown
	Early error // why the wait for its end was called off: the context's error; nil: it ran out
}

func (e *SecondDaemonError) Error() string {
	why := fmt.Sprintf("cannot use state directory %q: another supd uses it (pid %d)", e.Path, e.PID)
	if e.Early != nil {
		why += "; it was waited for, until this one was told to end"
	}
	return why
}

// Unwrap gives the context's error, for callers that called it off themselves.
func (e *SecondDaemonError) Unwrap() error {
	return e.Early
}

package api

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/supd/supd/lockfile"
)

// ErrorOf gives an error of package lockfile its exit code and what to do next.
// doing is the verb and its object, such as `end the lock on "db"`; it is left
// out where the error itself says what cannot be done. Any other error is
// CodeFailed, a *Error stays as it is, nil stays nil.
func ErrorOf(doing string, err error) *Error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	code, next := judge(err)
	text := err.Error()
	if !strings.HasPrefix(text, "cannot ") {
		text = "cannot " + doing + ": " + text
	}
	return &Error{Code: code, Message: text, Next: next}
}

// judge knows each type of error of package lockfile.
func judge(err error) (code int, next string) {
	var (
		held       *lockfile.HeldError
		unreadable *lockfile.UnreadableError
		busy       *lockfile.BusyError
		inFlight   *lockfile.InFlightError
		broken     *lockfile.BrokenError
		offer      *lockfile.OfferError
		notOwner   *lockfile.NotOwnerError
		takenUp    *lockfile.TakenUpError
		gone       *lockfile.GoneError
		verify     *lockfile.VerifyError
		marker     *lockfile.MarkerError
		dir        *lockfile.DirError
		sound      *lockfile.SoundError
		stands     *lockfile.StandsError
	)
	switch {
	case errors.As(err, &stands) && errors.As(err, &unreadable):
		return CodeUnknown, "supctl maintenance doctor has the command that mends it; then the same command again goes on with the lock"
	case errors.As(err, &stands):
		return CodeUnknown, "the same command again goes on with it; supctl maintenance end takes it away"
	case errors.Is(err, fs.ErrPermission) && !errors.As(err, &unreadable):
		return CodeNotAllowed, ""
	case errors.As(err, &held):
		return CodeHeld, nextForHeld(held)
	case errors.As(err, &unreadable):
		return CodeUnknown, fmt.Sprintf("look at %s; supctl maintenance doctor has the command that mends it", unreadable.Files[0].Path)
	case errors.As(err, &inFlight):
		return CodeInFlight, nextForInFlight(inFlight.Record)
	case errors.As(err, &busy):
		return CodeFailed, nextForInFlight(busy.Record)
	case errors.As(err, &broken):
		return CodeHeld, "supctl maintenance list"
	case errors.As(err, &offer):
		return CodeHeld, "supctl maintenance show " + offer.Lock.ID
	case errors.As(err, &notOwner):
		l := notOwner.Lock
		return CodeHeld, fmt.Sprintf("ask %s, or, if they cannot be reached: supctl maintenance break %s -m REASON", ownerName(l.Owner), l.ID)
	case errors.As(err, &takenUp):
		return CodeHeld, "supctl maintenance end " + takenUp.Lock.Target.String() + " when that is done, too"
	case errors.As(err, &sound):
		return CodeNotFound, "supctl maintenance doctor"
	case errors.As(err, &gone):
		return CodeNotFound, "supctl maintenance list"
	case errors.As(err, &verify):
		return CodeVerify, "say what is meant: --start (start it, verify, release), --leave-stopped (release, it stays down) or --force (release as it is)"
	case errors.As(err, &marker):
		return CodeUnknown, "mount its file system; until then everything counts as locked"
	case errors.As(err, &dir):
		return CodeUnknown, "say the right one with --state-dir, or mend its owner and mode"
	}
	return CodeFailed, ""
}

// nextForHeld says who to turn to: a lock's owner before anything else.
func nextForHeld(e *lockfile.HeldError) string {
	if len(e.Locks) > 0 {
		return fmt.Sprintf("supctl maintenance show %s, and ask %s", e.Locks[0].ID, ownerName(e.Locks[0].Owner))
	}
	for _, h := range e.Holds {
		if h.Kind == lockfile.HoldInterlock {
			return fmt.Sprintf("mend what the check found, or: supctl %s %s --override-interlock -m REASON", e.Verb, e.Service)
		}
	}
	return fmt.Sprintf("supctl start %s (done with it), or supctl maintenance start %s (go on working)", e.Service, e.Service)
}

// nextForInFlight names the process that has to come to its end.
func nextForInFlight(r *lockfile.Record) string {
	const again = "the same command again waits again with the same lock"
	if r == nil {
		return again
	}
	pid := InFlightOf(lockfile.InFlight{Service: r.Service, Record: r}).PID
	if pid == 0 {
		return again
	}
	return fmt.Sprintf("%s; if process %d hangs or is stopped (state T): kill -9 %d", again, pid, pid)
}

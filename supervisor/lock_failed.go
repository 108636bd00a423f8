package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// diskErrors are failures of the disk, as opposed to refusals, behind which a lock may still be badly wanted.
var diskErrors = [...]unix.Errno{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EIO, unix.EMFILE, unix.ENFILE}

// lockFailed answers for a lock that was not taken. When the disk is to blame, the services count as held nevertheless, for
// as long as this supd lives: somebody is about to work on them, and may overlook the error.
func (s *Supervisor) lockFailed(owner lockfile.Owner, what string, covered []string, err error) error {
	answer := *api.ErrorOf("lock "+what, err)
	var stands *lockfile.StandsError
	if errors.As(err, &stands) {
		s.holdsChanged(covered)
		return &answer
	}
	var marker *lockfile.MarkerError
	var dir *lockfile.DirError
	if answer.Code == api.CodeUnknown && (errors.As(err, &marker) || errors.As(err, &dir)) {
		answer.Code = api.CodeFailed // 8 would leave open whether it is locked
	}
	if !slices.ContainsFunc(diskErrors[:], func(e unix.Errno) bool { return errors.Is(err, e) }) || len(covered) == 0 {
		return &answer
	}
	reason := "wanted as a lock, which could not be written: " + err.Error()
	for _, name := range covered {
		s.memory.add(name, core.HoldSpec{Kind: core.HoldLock, By: owner.String(), Reason: reason})
		s.problem("lock:"+name, fmt.Sprintf("cannot save the lock of %s on %q: %v; it counts as held for as long as this supd lives, "+
			"or until somebody locks or starts it", owner, name, err))
	}
	s.holdsChanged(covered)
	answer.Message += "; NOT locked"
	if answer.Next == "" {
		answer.Next = fmt.Sprintf("make room, then the same command again; until then this supd leaves %s alone, but only for as long as it lives",
			strings.Join(covered, ", "))
	}
	return &answer
}

// lockSaved forgets holds in the stead of locks: now there are locks, or somebody has decided otherwise.
func (s *Supervisor) lockSaved(names ...string) {
	for _, name := range names {
		s.memory.saved(name, core.HoldLock)
		s.solved("lock:" + name)
	}
}

// holdsInMemory is what the gate has to know beside files. A person passes the stand-in of a lock that failed, like an
// operator stop: only automation is kept away.
func (s *Supervisor) holdsInMemory(automatic bool) func(service string) []lockfile.Hold {
	return func(service string) []lockfile.Hold {
		holds := slices.DeleteFunc(s.memory.of(service), func(h lockfile.Hold) bool {
			return !automatic && core.HoldKind(h.Kind) == core.HoldLock
		})
		return append(holds, s.unwrittenHold(service)...)
	}
}

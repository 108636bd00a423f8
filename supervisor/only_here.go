package supervisor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// What holds a service without a file is known to this supd only. Whoever asks it is told, as of files: check, guard, list, motd and
// doctor. A supd that does not answer leaves the files to count alone.

// withOnlyHere adds to covers what cannot be told from files: locks whose files were removed, a plan that could not be written.
func (s *Supervisor) withOnlyHere(covers map[string]lockfile.Cover) map[string]lockfile.Cover {
	for name, cover := range covers {
		s.addOnlyHere(name, &cover)
		covers[name] = cover
	}
	return covers
}

// onlyHere is what holds without a file, as findings for the doctor, in the order of services. listed: locks that were just read,
// which need not be looked for; may be nil.
func (s *Supervisor) onlyHere(listed []lockfile.Lock) []lockfile.Finding {
	var found []lockfile.Finding
	if u := s.unwritten.Load(); u != nil {
		found = append(found, lockfile.Finding{Trouble: lockfile.TroubleUnsaved, Holds: true, Err: u.Err})
	}
	for _, name := range s.memory.wanted() {
		for _, h := range s.memory.unsavedOf(name) {
			if core.HoldKind(h.Kind) == core.HoldLock {
				found = append(found, lockfile.Finding{Trouble: lockfile.TroubleUnsaved, Target: lockfile.ServiceTarget(name), Holds: true,
					Err: fmt.Errorf("%s (by %s); only this supd knows, for as long as it lives", h.Reason, h.By)})
			}
		}
	}
	suspects := s.vanished.suspects(listed)
	covers := s.withOnlyHere(s.dir.Snapshot(suspects))
	for _, name := range suspects {
		for _, u := range covers[name].Unreadable {
			if errors.Is(u.Err, errVanished) {
				found = append(found, lockfile.Finding{Trouble: lockfile.TroubleVanished, Path: u.Path, Target: lockfile.ServiceTarget(name), Holds: true, Err: u.Err})
			}
		}
	}
	return found
}

// badLocks is the same for lists of locks. A file that is gone is named once, whatever it covered.
func (s *Supervisor) badLocks(listed []lockfile.Lock) []api.BadLock {
	out := []api.BadLock{}
	for _, f := range s.onlyHere(listed) {
		if f.Path != "" && slices.ContainsFunc(out, func(b api.BadLock) bool { return b.File == f.Path }) {
			continue
		}
		b := api.BadLock{File: f.Path, Reason: f.Err.Error()}
		if f.Target.Valid() == nil {
			b.Target = f.Target.String()
		}
		if f.Path != "" {
			b.Target = api.BadLocks([]lockfile.Unreadable{{Path: f.Path, Err: f.Err}})[0].Target
		}
		out = append(out, b)
	}
	return out
}

// wantedLock says whether a lock that could not be written is among holds.
func wantedLock(holds []lockfile.Hold) bool {
	return slices.ContainsFunc(holds, func(h lockfile.Hold) bool { return core.HoldKind(h.Kind) == core.HoldLock })
}

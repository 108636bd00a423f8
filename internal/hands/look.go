package hands

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/supd/supd/internal/proc"
)

// Look is what is alive of a service.
type Look struct {
	Main       proc.Identity   // zero: no main process lives
	Gen        uint64          // of Main, or of the instance that was known last; 0: none is known
	Cgroup     string          // of the instance, "" = none
	Leftovers  []proc.Identity // alive although Main is gone
	DiedUnseen bool            // a note of this boot names a process that is gone: had it been stopped on purpose, the note would be too
	Notify     string          // notify socket that Main was told
}

// Running says whether the service must not be started.
func (l Look) Running() bool { return !l.Main.IsZero() || len(l.Leftovers) > 0 }

// Look sees what is alive of a service now: by its note in RUN, and by its cgroup where
// it has one, which also finds an instance that was forked just before supd died. An
// error means that nobody can tell: then the service counts as running.
func (h *Hands) Look(service string) (Look, error) {
	var l Look
	n, err := h.Notes.Read(service)
	known := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("cannot tell whether %q runs: %w", service, err)
	}
	if known {
		l.Gen, l.Cgroup, l.Notify = n.Gen, n.Cgroup, n.Notify
		lives, err := h.Table.Lives(n.Process)
		if err != nil {
			return l, fmt.Errorf("cannot tell whether %q runs: %w", service, err)
		}
		if lives {
			l.Main = n.Process
			return l, nil
		}
		l.DiedUnseen = n.Process.BootID == h.Table.BootID() && !n.Completed
	}
	if h.Cgroups != nil {
		return h.lookInCgroup(service, l)
	}
	if known {
		// Without a note there can be none: a child is held back until it has one.
		l.Leftovers, err = proc.Members(h.mark(service, n.Gen), n.Process)
		if err != nil {
			return l, fmt.Errorf("cannot tell whether %q runs: %w", service, err)
		}
	}
	return l, nil
}

// lookInCgroup finds what lives though no note's process does.
func (h *Hands) lookInCgroup(service string, l Look) (Look, error) {
	populated, err := h.Cgroups.Service(service).Populated()
	if err != nil || !populated {
		return l, err
	}
	gens, err := h.Cgroups.Generations(service)
	if err != nil {
		return l, err
	}
	for _, gen := range slices.Backward(gens) {
		g := h.Cgroups.Generation(service, gen)
		pids, err := g.Procs()
		if err != nil {
			return l, err
		}
		if gen > l.Gen {
			// Newer than the note: its supd died between the fork and the note. It
			// leads the session that it was forked into.
			if main, ok := leader(pids); ok && l.Main.IsZero() {
				l.Main, l.Gen, l.Cgroup, l.DiedUnseen = main, gen, g.Path, false
				continue
			}
		}
		for _, pid := range pids {
			if id, err := proc.Identify(pid); err == nil {
				l.Leftovers = append(l.Leftovers, id)
			}
		}
	}
	return l, nil
}

// leader is the oldest process among pids that leads its own session: the one supd
// forked.
func leader(pids []int) (proc.Identity, bool) {
	var oldest proc.Stat
	for _, pid := range pids {
		s, err := proc.ReadStat(pid)
		if err == nil && s.Session == pid && s.State != 'Z' && (oldest.PID == 0 || s.StartTime < oldest.StartTime) {
			oldest = s
		}
	}
	if oldest.PID == 0 {
		return proc.Identity{}, false
	}
	id, err := proc.Identify(oldest.PID)
	return id, err == nil
}

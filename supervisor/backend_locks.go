package supervisor

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// lockView shows lock files to one person.
func (s *Supervisor) lockView(me lockfile.Owner) api.LockView {
	plan, _ := s.inForce()
	// Reads a file per process: only where a lock's session is not the asker's own.
	live := sync.OnceValue(func() map[string]bool {
		sessions, err := who.LiveSessions()
		if err != nil {
			return nil // nobody is called abandoned who may be there
		}
		return sessions
	})
	return api.LockView{
		Now: time.Now(), Me: me, BootID: s.bootID, Live: live, StateDir: s.dir.Path(),
		Strays: s.strays.of,
		Known:  func(name string) bool { return plan.Services[name] != nil },
		Members: func(t lockfile.Target) []string {
			names, _ := s.members(t.String())
			return names
		},
		Copies:   s.dir.Copies,
		NotReady: s.missingNow,
	}
}

// Locks lists locks, those of targets or all.
func (s *Supervisor) Locks(_ context.Context, p api.Peer, only []string) (api.LocksReply, error) {
	listed := s.dir.Locks()
	view := s.lockView(p.Owner)
	reply := api.LocksReply{Locks: []api.Lock{}, Unreadable: api.BadLocks(append(listed.Unreadable, s.dir.Doubts()...))}
	reply.Unreadable = append(reply.Unreadable, s.badLocks(listed.Locks)...)
	var names []string
	if len(only) > 0 {
		var err error
		if names, err = s.resolve(only); err != nil && !lockedName(listed.Locks, only) {
			return reply, err
		}
	}
	if len(only) == 0 {
		reply.Locks = view.Locks(listed.Locks)
		return reply, nil
	}
	for _, l := range listed.Locks {
		w := view.Lock(l)
		touches := slices.ContainsFunc(w.Members, func(m string) bool { return slices.Contains(names, m) })
		if touches || slices.Contains(only, w.Target) {
			reply.Locks = append(reply.Locks, w)
		}
	}
	return reply, nil
}

// lockedName says whether a lock stands on one of the targets although no service of that name is left.
func lockedName(locks []lockfile.Lock, targets []string) bool {
	return slices.ContainsFunc(locks, func(l lockfile.Lock) bool { return slices.Contains(targets, l.Target.String()) })
}

// Lock is one lock by its id or a unique beginning of it.
func (s *Supervisor) Lock(_ context.Context, p api.Peer, id string) (api.Lock, error) {
	l, err := s.lockByID(id)
	if err != nil {
		return api.Lock{}, err
	}
	return s.lockView(p.Owner).Lock(l), nil
}

// lockByID finds a lock by its id, or a unique beginning of it.
func (s *Supervisor) lockByID(id string) (lockfile.Lock, error) {
	var found []lockfile.Lock
	listed := s.dir.Locks()
	for _, l := range listed.Locks {
		if strings.HasPrefix(l.ID, id) {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		for _, u := range listed.Unreadable {
			if strings.HasPrefix(filepath.Base(u.Path), id) {
				return lockfile.Lock{}, api.Errorf(api.CodeUnknown, "lock %q cannot be read: %v; what it covers counts as locked", id, u.Err).WithNext(mend(u.Path))
			}
		}
		return lockfile.Lock{}, api.Errorf(api.CodeNotFound, "no lock has the id %q", id).WithNext("supctl maintenance list")
	case 1:
		return found[0], nil
	}
	return lockfile.Lock{}, api.Errorf(api.CodeUsage, "%d locks have an id that begins with %q; give more of it", len(found), id)
}

// MaintenanceCheck tells scripts whether a target is free of locks.
func (s *Supervisor) MaintenanceCheck(_ context.Context, p api.Peer, target string) (api.MaintenanceCheck, error) {
	names, err := s.members(target)
	if err != nil {
		if names = s.lockedStill(target); len(names) == 0 {
			return api.MaintenanceCheck{}, err
		}
	}
	reply := api.MaintenanceCheck{Target: target, Holds: []api.Hold{}, Locks: []api.Lock{}}
	view := s.lockView(p.Owner)
	unreadable, wanted := false, false
	for name, c := range s.withOnlyHere(s.dir.Barred(names)) {
		unsaved := s.memory.unsavedOf(name)
		wanted = wanted || wantedLock(unsaved)
		c.Holds = append(c.Holds, unsaved...)
		reply.Holds = append(reply.Holds, api.HoldsOf(c, view.Now, view.Gone)...)
		for _, l := range c.Locks {
			w := view.Lock(l)
			if !slices.ContainsFunc(reply.Locks, func(o api.Lock) bool { return o.ID == w.ID }) {
				reply.Locks = append(reply.Locks, w)
			}
		}
		unreadable = unreadable || len(c.Unreadable) > 0
	}
	switch { // a lock that can be read is certain, whatever lies beside it
	case wanted || len(reply.Locks) > 0:
		reply.Code, reply.Locked = api.CodeHeld, true
	case unreadable:
		reply.Code, reply.Locked = api.CodeUnknown, true
	}
	return reply, nil
}

// lockedStill are the services that a target meant which no config has any more, if a lock of its own still holds them.
func (s *Supervisor) lockedStill(target string) []string {
	t, err := lockfile.ParseTarget(target)
	if err != nil {
		return nil
	}
	held := map[string]bool{}
	for _, l := range s.dir.LocksOn(t) {
		for name := range l.Members {
			held[name] = true
		}
	}
	if t.Kind == lockfile.TargetService {
		c := s.dir.Cover(t.Name)
		held[t.Name] = slices.ContainsFunc(c.Locks, func(l lockfile.Lock) bool { return l.Target.Kind != lockfile.TargetHost }) ||
			slices.ContainsFunc(api.BadLocks(c.Unreadable), func(b api.BadLock) bool { return b.Target == t.Name })
	}
	maps.DeleteFunc(held, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(held))
}

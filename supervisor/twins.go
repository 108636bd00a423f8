package supervisor

import (
	"fmt"
	"sync"
)

// twins keeps a service that vanished from the config and the one that takes its place (the same under a new name, or its
// instances) from running side by side. Their gates are two, so the gate alone does not.
type twins struct {
	mu       sync.Mutex
	starting map[string]twin // services that are between this look and their first instant
}

type twin struct {
	is       []string // digests, see orphan
	orphaned bool
}

// alone lets svc be started unless its twin runs or is being started. release is to be called when the start has succeeded,
// and is watched, or has failed; it is never nil.
func (s *Supervisor) alone(svc *service, orphaned bool, digest string) (release func(), err error) {
	release = func() {}
	if !s.services.orphans.Load() || digest == "" {
		return release, nil
	}
	s.twins.mu.Lock()
	defer s.twins.mu.Unlock()
	for _, name := range s.services.names() {
		other := s.services.get(name)
		if other == nil || name == svc.name {
			continue
		}
		other.mu.Lock()
		runs, at := other.proc != nil && !other.exited, twin{[]string{other.runs}, other.orphaned}
		if runs && other.orphaned {
			at.is = other.digestsLocked()
		}
		other.mu.Unlock()
		if starting, ok := s.twins.starting[name]; ok {
			runs, at = true, twin{starting.is, at.orphaned || starting.orphaned}
		}
		same := orphan{name, at.is}.inheritedBy(svc.name, digest)
		switch {
		case runs && same && at.orphaned:
			return release, fmt.Errorf("cannot start %q: %q still runs and is no longer in the config; supctl reload --apply puts %q in its place",
				svc.name, name, svc.name)
		case runs && same && orphaned:
			return release, fmt.Errorf("cannot start %q: it is no longer in the config, and %q runs in its place", svc.name, name)
		}
	}
	if s.twins.starting == nil {
		s.twins.starting = map[string]twin{}
	}
	s.twins.starting[svc.name] = twin{[]string{digest}, orphaned}
	return func() {
		s.twins.mu.Lock()
		defer s.twins.mu.Unlock()
		delete(s.twins.starting, svc.name)
	}, nil
}

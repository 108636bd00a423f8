package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// orphans are the services that run although they vanished from the config, by the digest of what they run.
func (s *Supervisor) orphans() map[string]string {
	if !s.services.orphans.Load() {
		return nil
	}
	by := map[string]string{}
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		svc.mu.Lock()
		if svc.orphaned && svc.proc != nil && !svc.exited && svc.runs != "" {
			by[svc.runs] = name
		}
		svc.mu.Unlock()
	}
	return by
}

// heirs are the services that only wait for an orphan to end, to be started in its place.
func (s *Supervisor) heirs(orphan string) []string {
	plan, _ := s.inForce()
	by := s.orphans()
	var names []string
	for name, conf := range plan.Services {
		if conf.Autostart && by[conf.Digest()] == orphan {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// pendingNames are the services that run with an older config or without one.
func (s *Supervisor) pendingNames() []string {
	names := []string{}
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		svc.mu.Lock()
		orphaned := svc.orphaned
		svc.mu.Unlock()
		if orphaned || svc.pending() {
			names = append(names, name)
		}
	}
	return names
}

// applyPending settles what a reload left pending: changed services are restarted, vanished ones stopped and forgotten.
// Each goes through the gate as the operator's own action; a locked one is refused and stays.
func (s *Supervisor) applyPending(ctx context.Context, owner lockfile.Owner, progress api.Progress) error {
	var failed []error
	for _, name := range s.pendingNames() {
		svc := s.services.get(name)
		svc.mu.Lock()
		orphaned := svc.orphaned
		svc.mu.Unlock()
		r := core.Request{Service: name, Verb: core.Restart, By: owner.String(), Reason: "reload --apply"}
		if orphaned {
			r.Verb, r.WithDependents = core.Stop, false
		}
		if orphaned && svc.running() == nil {
			s.forget(name)
			continue
		}
		if lack, _ := svc.lacks(); !orphaned && len(lack) > 0 {
			tell(progress, "limits "+name)
			why := "supd is ending"
			if done := s.acts(); done != nil {
				why = s.giveLimits(svc, &owner, func() {})
				done()
			}
			if svc.limitsOnly() {
				if why != "" {
					failed = append(failed, fmt.Errorf("cannot change the limits of %q: %s", name, why))
				}
				continue
			}
		}
		var heirs []string
		if orphaned {
			heirs = s.heirs(name)
		}
		tell(progress, fmt.Sprintf("%s %s", r.Verb, name))
		a, err := s.wish(ctx, owner, r, progress)
		if err == nil && a.Code != api.CodeDone {
			err = errors.New(a.Text)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if !orphaned {
			continue
		}
		s.forget(name)
		for _, heir := range heirs {
			tell(progress, fmt.Sprintf("start %s, which takes the place of %s", heir, name))
			a, err := s.wish(ctx, owner, core.Request{Service: heir, Verb: core.Start, By: owner.String(), Reason: "reload --apply"}, progress)
			if err == nil && a.Code != api.CodeDone {
				err = errors.New(a.Text)
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
	}
	if len(failed) > 0 {
		return api.Errorf(api.CodeFailed, "%v", errors.Join(failed...))
	}
	return nil
}

// forget drops a service that is gone from the config and does not run. Its locks stay on disk and are shown as orphaned;
// the stop that ended it is no operator's wish for a later service of that name.
func (s *Supervisor) forget(name string) {
	s.closeHeld(name)
	s.send(core.Forget{Service: name})
	s.services.remove(name)
	if _, err := s.dir.RemoveHolds(s.ctx, name, nil); err != nil {
		s.log.Warn("cannot remove the holds of a service that is no longer configured", "service", name, "err", err)
	}
}

package supervisor

import (
	"context"
	"fmt"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// pendingNames are the services that run with an older config or without one.
func (s *Supervisor) pendingNames() []string {
	names := []string{}
	for _, name := range s.services.names() {
		if svc := s.services.get(name); svc.vanishedFromConfig() || svc.pending() {
			names = append(names, name)
		}
	}
	return names
}

// applyPending settles what a reload left pending, and gives what could not be settled: vanished services are stopped and
// forgotten, what needs others first; then changed ones are restarted, what others need first. Each goes through the gate
// as the operator's own action. A locked one is left out, whoever holds the lock: who deploys means no work under way.
func (s *Supervisor) applyPending(ctx context.Context, owner lockfile.Owner, progress api.Progress) []api.ActionResult {
	var vanished, changed []string
	for _, name := range s.pendingNames() {
		if s.services.get(name).vanishedFromConfig() {
			vanished = append(vanished, name)
		} else {
			changed = append(changed, name)
		}
	}
	var failed []api.ActionResult
	for _, name := range s.orderFor(core.Stop, vanished) {
		failed = append(failed, s.applyVanished(ctx, owner, name, progress)...)
	}
	for _, name := range s.orderFor(core.Restart, changed) {
		failed = append(failed, s.applyChanged(ctx, owner, name, progress)...)
	}
	return failed
}

// applyVanished stops a service that is gone from the config, and starts what only waits for its end.
func (s *Supervisor) applyVanished(ctx context.Context, owner lockfile.Owner, name string, progress api.Progress) []api.ActionResult {
	if len(s.dir.Cover(name).Locks) > 0 {
		return []api.ActionResult{s.refusedChange(owner, name)}
	}
	if s.services.get(name).running() == nil {
		s.forget(name)
		return nil
	}
	heirs := s.heirs(name)
	for _, heir := range heirs { // or nothing would run in its place
		if len(s.dir.Cover(heir).Locks) > 0 {
			res := s.refusedChange(owner, heir)
			res.Text = fmt.Sprintf("cannot stop %q, in whose place %q would be started: %s", name, heir, res.Text)
			return []api.ActionResult{res}
		}
	}
	tell(progress, "stop "+name)
	if res := s.applyOne(ctx, owner, name, core.Stop, progress); res.Code != api.CodeDone {
		return []api.ActionResult{res}
	}
	s.forget(name)
	var failed []api.ActionResult
	for _, heir := range heirs {
		tell(progress, fmt.Sprintf("start %s, which takes the place of %s", heir, name))
		if res := s.applyOne(ctx, owner, heir, core.Start, progress); res.Code != api.CodeDone {
			failed = append(failed, res)
		}
	}
	return failed
}

// applyChanged gives a service what it can have while it runs, and restarts it if that is not all.
func (s *Supervisor) applyChanged(ctx context.Context, owner lockfile.Owner, name string, progress api.Progress) []api.ActionResult {
	svc := s.services.get(name)
	locked := len(s.dir.Cover(name).Locks) > 0
	if lack, _ := svc.lacks(); len(lack) > 0 {
		tell(progress, "limits "+name)
		why := "supd is ending"
		if done := s.acts(); done != nil {
			why = s.giveLimits(svc, &owner, func() {})
			done()
		}
		if svc.limitsOnly() {
			if why == "" {
				return nil
			}
			res := api.ActionResult{Service: name, Code: api.CodeFailed, Text: fmt.Sprintf("cannot change the limits of %q: %s", name, why)}
			if locked {
				res.Code = api.CodeHeld
			}
			return []api.ActionResult{res}
		}
	}
	if _, waits := svc.keptBack(); waits || locked {
		return []api.ActionResult{s.refusedChange(owner, name)}
	}
	tell(progress, "restart "+name)
	if res := s.applyOne(ctx, owner, name, core.Restart, progress); res.Code != api.CodeDone {
		return []api.ActionResult{res}
	}
	return nil
}

func (s *Supervisor) applyOne(ctx context.Context, owner lockfile.Owner, name string, verb core.Verb, progress api.Progress) api.ActionResult {
	return s.actOn(ctx, owner, core.Request{Service: name, Verb: verb, By: owner.String(), Reason: "reload --apply"}, progress)
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

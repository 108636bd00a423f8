package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
	"github.com/supd/supd/systemd"
)

// enforce puts a plan in force under the gates of every name whose meaning changes (protocol.md, reload). What is busy or
// locked keeps its old meaning and is pending. The order: gates and directories, plan.toml durable, swap.
func (s *Supervisor) enforce(ctx context.Context, next *configs.Plan) error {
	old, err := s.dir.Plan()
	if err != nil {
		return err
	}
	names := make([]string, 0, len(next.Services))
	for name := range next.Services {
		names = append(names, name)
	}
	if err := s.dir.EnsureService(names...); err != nil {
		s.problem("state", "cannot make room in the state directory for new services: "+err.Error())
	} else {
		s.solved("state")
	}
	target := next.Lockfile(0, &old)
	s.veil.Store(next.Veil(s.veil.Load())) // first: nothing of the new plan is said before
	var held map[string]error
	_, err = s.dir.Reload(ctx, lockfile.ReloadRequest{
		Affected: affected(old, target),
		Build: func(pending map[string]error) lockfile.Plan {
			held = pending
			return withPending(old, target, pending)
		},
		Swap: func(p lockfile.Plan) {
			s.planMu.Lock()
			s.plan, s.planGen, s.loadedAt = next, p.Generation, time.Now()
			s.planMu.Unlock()
		},
	})
	if err != nil {
		return err
	}
	s.adoptPlan(next, held)
	s.grant(next.API)
	return nil
}

// grant puts the roles of a config in force. Users and groups that do not exist have no role; the default groups need not
// exist.
func (s *Supervisor) grant(conf configs.API) {
	var roles api.Roles
	for _, g := range [...]struct {
		entries []string
		into    *[]api.Grant
	}{{conf.Operators, &roles.Operators}, {conf.Admins, &roles.Admins}} {
		grants, missing, err := api.ParseGrants(g.entries)
		if err != nil {
			s.problem("roles", "cannot read who may do what: "+err.Error())
			return
		}
		for _, m := range missing {
			s.log.Info("nobody has this role yet: no such user or group", "entry", m)
		}
		*g.into = grants
	}
	s.solved("roles")
	s.planMu.Lock()
	s.grants = roles
	s.planMu.Unlock()
}

// affected are the names that appear, vanish or change what they are.
func affected(old, next lockfile.Plan) []string {
	var names []string
	for name, id := range next.Services {
		if was, ok := old.Services[name]; !ok || was != id {
			names = append(names, name)
		}
	}
	for name := range old.Services {
		if _, ok := next.Services[name]; !ok {
			names = append(names, name)
		}
	}
	for g, members := range next.Groups {
		if !slices.Equal(old.Groups[g], members) {
			names = append(names, members...)
			names = append(names, old.Groups[g]...)
		}
	}
	for g, members := range old.Groups {
		if _, ok := next.Groups[g]; !ok {
			names = append(names, members...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withPending is the next plan, in which every name that is pending means what it meant before.
func withPending(old, next lockfile.Plan, pending map[string]error) lockfile.Plan {
	for name := range pending {
		if was, ok := old.Services[name]; ok {
			next.Services[name] = was
		}
	}
	return next
}

// adoptPlan makes the registry follow a plan in force. A name that is pending and already known keeps its config; a
// service that vanished becomes an orphan and goes on as it was.
func (s *Supervisor) adoptPlan(next *configs.Plan, pending map[string]error) {
	for name, conf := range next.Services {
		if pending[name] != nil && s.services.conf(name) != nil {
			continue
		}
		if svc := s.services.put(name, conf); svc.running() != nil {
			s.rotate(svc)
		}
	}
	for _, name := range s.services.names() {
		if next.Services[name] != nil {
			continue
		}
		svc := s.services.get(name)
		svc.mu.Lock()
		svc.orphaned = true
		s.services.orphans.Store(true)
		svc.mu.Unlock()
	}
}

// reload reads the config again and applies what needs no stop; with apply also the rest. One at a time.
func (s *Supervisor) reload(ctx context.Context, owner lockfile.Owner, apply bool, progress api.Progress) (api.ReloadReply, error) {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	systemd.Reloading()
	defer systemd.Ready("watching the services of the last good config")

	old, gen := s.inForce()
	next, mistakes := s.load()
	reply := api.ReloadReply{Generation: gen, Changes: []api.Change{}, Pending: []string{}, Mistakes: []string{}}
	if len(mistakes) > 0 {
		for _, m := range mistakes {
			reply.Mistakes = append(reply.Mistakes, m.String())
		}
		reply.Code = api.CodeFailed
		s.metrics.reloaded(false)
		s.planMu.Lock()
		s.mistakes = reply.Mistakes
		s.planMu.Unlock()
		s.problem("config", fmt.Sprintf("the config on disk has %d mistakes, the one before stays in force: %s", len(mistakes), reply.Mistakes[0]))
		return reply, nil
	}
	changes := s.changes(old, next)
	if err := s.enforce(ctx, next); err != nil {
		s.metrics.reloaded(false)
		return reply, api.Errorf(api.CodeFailed, "cannot put the new config in force, the one before stays: %v", err)
	}
	s.solved("config")
	s.planMu.Lock()
	s.mistakes = nil
	reply.Generation = s.planGen
	s.planMu.Unlock()
	s.follow(next)
	s.checks.reload(next)
	s.jobs.reload()
	s.metrics.reloaded(true)
	s.changeLimits()
	reply.Changes = s.withLimits(changes)
	s.record("config.reloaded", "", journal.Notice, fmt.Sprintf("config read again: %d changes, generation %d", len(changes), reply.Generation),
		map[string]string{"by": owner.String()})
	if apply {
		if err := s.applyPending(ctx, owner, progress); err != nil {
			return reply, err
		}
	}
	reply.Pending = s.pendingNames()
	return reply, nil
}

// follow tells the core what the config says now.
func (s *Supervisor) follow(next *configs.Plan) {
	_, gen := s.inForce()
	orphans := s.orphans()
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		svc.mu.Lock()
		conf, orphaned := svc.conf, svc.orphaned
		svc.mu.Unlock()
		if orphaned {
			s.send(core.Orphan{Service: name})
			continue
		}
		s.send(core.Configure{Spec: s.coreSpec(conf, orphans), PlanGen: gen})
	}
}

// coreSpec is a service for the core. One that is a running service under a new name is not started beside it: the rename
// is pending until reload --apply stops the one and starts the other.
func (s *Supervisor) coreSpec(conf *configs.Service, orphans map[string]string) core.Spec {
	spec := conf.Core()
	if len(orphans) > 0 && orphans[conf.Digest()] != "" {
		spec.Autostart = false
	}
	return spec
}

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

// changes is what a reload from old to next means, as the wire shows it.
func (s *Supervisor) changes(old, next *configs.Plan) []api.Change {
	out := []api.Change{}
	for _, c := range configs.Diff(old, next) {
		w := api.Change{Service: c.Service, Kind: string(c.Kind), Keys: c.Keys, NeedsRestart: c.NeedsRestart, Text: c.Text, Summary: c.Summary, Details: []api.KeyChange{}}
		for _, d := range c.Details {
			w.Details = append(w.Details, api.KeyChange{Key: d.Key, From: d.From, To: d.To, Effect: string(d.Effect)})
		}
		if c.Service != "" {
			w.Locked = len(s.dir.Cover(c.Service).Locks) > 0
			addText(&w, s.settledBy(c))
			if w.Locked {
				w.Text += "; it is locked and not touched" // in the summary the reader puts it, from Locked
			}
		}
		out = append(out, w)
	}
	return append(out, s.stillPending(out)...)
}

// addText says one thing more about a change.
func addText(c *api.Change, more string) {
	if more != "" {
		c.Text, c.Summary = c.Text+"; "+more, c.Summary+"; "+more
	}
}

// settledBy is what puts the rest of a change in force.
func (s *Supervisor) settledBy(c configs.Change) string {
	svc := s.services.get(c.Service)
	runs := svc != nil && svc.running() != nil
	switch {
	case c.Kind == configs.Changed && c.NeedsRestart && runs:
		return "pending until supctl reload --apply or its next restart"
	case c.Kind == configs.Changed && c.NeedsRestart:
		return "it does not run: in force at its next start"
	case c.Kind == configs.Removed && runs:
		return "supctl reload --apply stops it"
	}
	return ""
}

// stillPending is what earlier reloads left to --apply, apart from what is listed already.
func (s *Supervisor) stillPending(listed []api.Change) []api.Change {
	var out []api.Change
	for _, name := range s.pendingNames() {
		if slices.ContainsFunc(listed, func(c api.Change) bool { return c.Service == name }) {
			continue
		}
		c := api.Change{Service: name, Kind: string(configs.Changed), Keys: []string{}, Details: []api.KeyChange{}, NeedsRestart: true,
			Text: "runs with an older config since an earlier reload: supctl reload --apply, or its next restart, settles it"}
		svc := s.services.get(name)
		svc.mu.Lock()
		if svc.orphaned {
			c.Kind, c.Text = string(configs.Removed), "is no longer in the config since an earlier reload and still runs: supctl reload --apply stops it"
		}
		svc.mu.Unlock()
		c.Summary, c.Locked = c.Text, len(s.dir.Cover(name).Locks) > 0
		out = append(out, c)
	}
	return out
}

// reloadBySignal is SIGHUP: nobody waits for the answer, so mistakes go to the log and to status.
func (s *Supervisor) reloadBySignal(ctx context.Context) {
	reply, err := s.reload(ctx, lockfile.Owner{Name: "SIGHUP", LoginUID: lockfile.NoLogin, UID: -1}, false, nil)
	if err != nil {
		s.problem("config", err.Error())
		return
	}
	for _, m := range reply.Mistakes {
		s.log.Error("config mistake: " + m)
	}
	s.log.Info("config read", "changes", len(reply.Changes), "mistakes", len(reply.Mistakes))
}

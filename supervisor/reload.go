package supervisor

import (
	"context"
	"fmt"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
	"github.com/supd/supd/systemd"
)

// reload reads the config again and applies what needs no stop; with apply also the rest. One at a time.
func (s *Supervisor) reload(ctx context.Context, owner lockfile.Owner, apply bool, progress api.Progress) (api.ReloadReply, error) {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	systemd.Reloading()
	defer systemd.Ready("watching the services of the last good config")

	old, gen := s.inForce()
	next, mistakes := s.load()
	reply := api.ReloadReply{Generation: gen, Changes: []api.Change{}, Pending: []string{}, Mistakes: []string{}, Failed: []api.ActionResult{}}
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
		reply.Failed = append(reply.Failed, s.applyPending(ctx, owner, progress)...)
		if len(reply.Failed) > 0 {
			reply.Code = reply.Failed[0].Code
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

// coreSpec is a service for the core. One that takes the place of a running one is not started beside it: the change
// is pending until reload --apply stops the one and starts the other.
func (s *Supervisor) coreSpec(conf *configs.Service, orphans []orphan) core.Spec {
	spec := conf.Core()
	if len(orphans) > 0 && placeTaken(conf, orphans) != "" {
		spec.Autostart = false
	}
	return spec
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

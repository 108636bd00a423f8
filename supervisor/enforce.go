package supervisor

import (
	"context"
	"slices"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
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
		Affected: affected(old, target), Vanished: s.vanishedNames(old, next),
		Build: func(pending map[string]error) lockfile.Plan {
			held = pending
			next := withPending(old, target, pending)
			next.Gone = s.goOn(old, next)
			return next
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
	s.enforced(next)
	s.learnDisk()
	return nil
}

// vanishedNames are services that the config had before the next one, and has no more. At a start all is known of it that is in the plan,
// which keeps what is locked.
func (s *Supervisor) vanishedNames(old lockfile.Plan, next *configs.Plan) []string {
	var names []string
	gone := func(name string) {
		if next.Services[name] == nil {
			names = append(names, name)
		}
	}
	if before, gen := s.inForce(); gen > 0 {
		for name := range before.Services {
			gone(name)
		}
		return names
	}
	for name := range old.Services {
		gone(name)
	}
	return names
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

// goOn are the services of the plan before that the next one has no more, and that supd has all the same: orphans. When supd
// starts, those of which a process was noted.
func (s *Supervisor) goOn(old, next lockfile.Plan) map[string]lockfile.Identity {
	gone := map[string]lockfile.Identity{}
	for _, was := range []map[string]lockfile.Identity{old.Gone, old.Services} {
		for name, id := range was {
			if _, stays := next.Services[name]; !stays && s.has(name) {
				gone[name] = id
			}
		}
	}
	return gone
}

// has says whether supd has a service, whatever the config says.
func (s *Supervisor) has(name string) bool {
	if s.services.get(name) != nil {
		return true
	}
	select {
	case <-s.ready: // whatever ran has been adopted
		return false
	default:
	}
	n, err := s.hands.Notes.Read(name)
	return err == nil && n.Process.BootID == s.bootID
}

// adoptPlan makes the registry follow a plan in force. A name that is pending and already known keeps its config; a
// service that vanished becomes an orphan and goes on as it was.
func (s *Supervisor) adoptPlan(next *configs.Plan, pending map[string]error) {
	for name, conf := range next.Services {
		if pending[name] != nil {
			s.services.kept.Store(true)
			if svc := s.services.get(name); svc != nil && s.services.conf(name) != nil {
				svc.keepBack(conf)
				continue
			}
		}
		svc := s.services.put(name, conf)
		if svc.running() != nil {
			s.rotate(svc)
		}
		if pending[name] != nil {
			svc.keepBack(nil)
		} else {
			svc.settled()
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

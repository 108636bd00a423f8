package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// reloadService does the service's own reload: a signal or a program.
func (s *Supervisor) reloadService(p *lockfile.Permit, svc *service) error {
	conf, target := s.services.conf(svc.name), svc.running()
	switch {
	case target == nil:
		return fmt.Errorf("cannot reload %q: it does not run", svc.name)
	case conf == nil || conf.OnReload.Signal == 0 && len(conf.OnReload.Command) == 0:
		return fmt.Errorf("cannot reload %q: its config has no on_reload; supctl restart %s makes it read its own config again", svc.name, svc.name)
	case conf.OnReload.Signal != 0:
		svc.reloadBegins(conf.OnReload.Notify)
		return s.hands.Signal(p, svc.name, target.Identity(), conf.OnReload.Signal)
	}
	return s.runScript(p, svc, conf, lockfile.VerbReload, conf.OnReload.Command, conf.HookTimeout, nil)
}

// exec runs the program that a failing check asks for.
func (s *Supervisor) exec(p *lockfile.Permit, svc *service, a core.Act) error {
	conf := s.services.conf(svc.name)
	if conf == nil || conf.Checks[a.Check] == nil {
		return fmt.Errorf("cannot run the program of check %q of %q: it is not in the config any more", a.Check, svc.name)
	}
	return s.runScript(p, svc, conf, lockfile.VerbExec, conf.Checks[a.Check].Options.Exec, execTimeout, map[string]string{
		"SUPD_CHECK": a.Check, "SUPD_REASON": a.Reason,
	})
}

// execTimeout bounds the programs of checks, which have no time-out of their own in the config.
const execTimeout = time.Minute

func (s *Supervisor) runScript(p *lockfile.Permit, svc *service, conf *configs.Service, verb lockfile.Verb, argv []string, timeout time.Duration, facts map[string]string) error {
	script, err := s.script(svc, conf, argv, timeout)
	if err != nil {
		return fmt.Errorf("cannot %s %q: %w", verb, svc.name, err)
	}
	script.Output.Keep = true // its last words are the reason
	for k, v := range facts {
		script.Env = append(script.Env, k+"="+v)
	}
	r, err := s.hands.Run(p, svc.name, verb, script, false)
	switch {
	case err != nil:
		return err
	case r.Failed() != "":
		return fmt.Errorf("cannot %s %q: %q: %s", verb, svc.name, argv[0], withTail(r.Failed(), r.Tail))
	}
	return nil
}

// execGated runs the program of a service's check outside the core's decisions (on_recover), as an automatic action: it
// is observed afresh and passes the gate like any other.
func (s *Supervisor) execGated(c *configs.Check, r checks.Report) error {
	svc := s.services.get(r.Service)
	o := s.dir.Observe(r.Service)
	s.addOnlyHere(r.Service, &o.Cover)
	if svc == nil || s.observing(r.Service) {
		return nil
	}
	req := lockfile.Request{
		Services: []string{r.Service}, Verb: lockfile.VerbExec, Automatic: true, By: "check " + r.Name, Reason: r.Result.Detail,
		Decisions: map[string]lockfile.Decision{r.Service: {PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}},
		Extra:     s.holdsInMemory(true),
	}
	return s.dir.Do(s.ctx, req, func(p *lockfile.Permit) error {
		return s.exec(p, svc, core.Act{Service: r.Service, Verb: core.Exec, Check: r.Name, Reason: r.Result.Detail})
	})
}

// observing says whether supd acts on nothing, at all or on this service.
func (s *Supervisor) observing(name string) bool {
	plan, _ := s.inForce()
	conf := s.services.conf(name)
	return plan.Daemon.Mode == configs.ModeObserve || conf == nil || conf.Mode == configs.ModeObserve
}

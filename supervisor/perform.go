package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
	"golang.org/x/sys/unix"
)

// perform takes one action of the core's through the gate. It is the only place in which an effect on a service begins.
// Runs in a lane; the answer is the core's Result.
func (s *Supervisor) perform(a core.Act, actor lockfile.Owner, ln *lane) core.Result {
	res := core.Result{Act: a.ID, Service: a.Service}
	svc := s.services.get(a.Service)
	if svc == nil {
		res.Outcome, res.Err = core.ActFailed, fmt.Sprintf("cannot %s %q: no such service any more", a.Verb, a.Service)
		return res
	}
	svc.holdSaved(ln.leave)
	r := s.request(a, actor)
	r.Waiting = ln.leave
	err := s.dir.Do(s.ctx, r, func(p *lockfile.Permit) error {
		if a.ClearHolds {
			s.memory.drop(a.Service)
			s.lockSaved(a.Service)
		}
		return s.effect(p, svc, a, &res)
	})
	if err == nil && a.Verb == core.Reload {
		ln.leave()
		err = s.reloadEnds(svc)
	}
	if err == nil && !a.Automatic && (a.Verb == core.Start || a.Verb == core.Restart) {
		s.vanished.settle(a.Service)
	}
	s.judge(a, err, &res)
	res.Err = s.hide(res.Err)
	return res
}

// request is what the gate asks to know of an action.
func (s *Supervisor) request(a core.Act, actor lockfile.Owner) lockfile.Request {
	r := lockfile.Request{
		Services: []string{a.Service}, Verb: lockfile.Verb(a.Verb), Automatic: a.Automatic,
		Actor: actor, Override: a.Override, OverrideInterlock: a.OverrideInterlock,
		By: a.By, Reason: a.Reason, ClearHolds: a.ClearHolds,
		Extra: s.holdsInMemory(a.Automatic),
		Look:  func(name string) error { return s.look(name, a) },
	}
	if a.Automatic {
		r.Decisions = map[string]lockfile.Decision{a.Service: lockfile.Decision(a.Decision)}
	}
	if a.Hold != nil {
		h := holdSpec(*a.Hold)
		r.Hold = &h
	}
	return r
}

// look is the second look, inside the gate: a start finds nobody running, everything else finds the instance it means.
func (s *Supervisor) look(name string, a core.Act) error {
	svc := s.services.get(name)
	if svc == nil {
		return fmt.Errorf("%q is no longer configured", name)
	}
	p := svc.running()
	svc.mu.Lock()
	gen := svc.gen
	svc.mu.Unlock()
	switch {
	case a.Verb == core.Start && p != nil && p.Alive():
		return fmt.Errorf("%q already runs as pid %d", name, p.PID())
	case a.Verb == core.Restart || a.Verb == core.Start || a.Gen == 0:
		return nil
	case p != nil && gen != a.Gen:
		return fmt.Errorf("%q has another process by now (pid %d)", name, p.PID())
	}
	return nil
}

// judge turns the gate's answer into the core's words.
func (s *Supervisor) judge(a core.Act, err error, res *core.Result) {
	var (
		held       *lockfile.HeldError
		unreadable *lockfile.UnreadableError
		stale      *lockfile.StaleError
		busy       *lockfile.BusyError
		marker     *lockfile.MarkerError
	)
	switch {
	case err == nil:
		res.Outcome = core.ActDone
		return
	case errors.As(err, &held):
		res.Outcome = core.ActSuppressed
		res.Holds = coreHolds(lockfile.Cover{Locks: held.Locks, Holds: held.Holds}, nil)
		s.metrics.suppressed(a.Service, string(a.Verb))
	case errors.As(err, &unreadable):
		res.Outcome = core.ActSuppressed
		res.Holds = coreHolds(lockfile.Cover{Unreadable: unreadable.Files}, nil)
		s.metrics.suppressed(a.Service, string(a.Verb))
	case errors.As(err, &marker):
		res.Outcome = core.ActSuppressed
		res.Holds = coreHolds(lockfile.Cover{Unreadable: []lockfile.Unreadable{{Path: marker.Path, Err: err}}}, nil)
		s.metrics.suppressed(a.Service, string(a.Verb))
	case errors.As(err, &stale):
		res.Outcome = core.ActStale
	case errors.As(err, &busy):
		res.Outcome = core.ActBusy
	default:
		res.Outcome = core.ActFailed
	}
	res.Err = err.Error()
}

// effect does what the permit allows.
func (s *Supervisor) effect(p *lockfile.Permit, svc *service, a core.Act, res *core.Result) error {
	switch a.Verb {
	case core.Start:
		return s.start(p, svc, a, res)
	case core.Stop:
		return s.stop(p, svc, a)
	case core.Restart:
		if err := s.stop(p, svc, a); err != nil {
			return err
		}
		return s.start(p, svc, a, res)
	case core.Reload:
		return s.reloadService(p, svc)
	case core.Signal:
		target := svc.running()
		if target == nil {
			return fmt.Errorf("cannot signal %q: it does not run", svc.name)
		}
		return s.hands.Signal(p, svc.name, target.Identity(), unix.Signal(a.Signal))
	case core.Exec:
		return s.exec(p, svc, a)
	}
	return fmt.Errorf("cannot %s %q: no such action", a.Verb, svc.name)
}

// start brings up one instance. hands ends what is left of an earlier one (children that outlived it) first: two
// generations of one service must not share its files and ports.
func (s *Supervisor) start(p *lockfile.Permit, svc *service, a core.Act, res *core.Result) error {
	svc.mu.Lock()
	conf, orphaned, digest := svc.conf, svc.orphaned, svc.digestLocked()
	svc.mu.Unlock()
	if conf == nil || len(conf.Command) == 0 {
		return fmt.Errorf("cannot start %q: it is not in the config any more", svc.name)
	}
	release, err := s.alone(svc, orphaned, digest)
	if err != nil {
		return err
	}
	defer release()
	spec, err := s.spec(conf, a.Gen)
	if err != nil {
		return fmt.Errorf("cannot start %q: %w", svc.name, err)
	}
	spec.Config = digest
	hook := hook{svc: svc, conf: conf, requests: a.Requests, more: true}
	if len(conf.PreStart) > 0 {
		if err := s.hands.MakeWay(p, svc.name); err != nil {
			return err
		}
	}
	if err := s.runHook(p, hook, configs.PreStart); err != nil {
		return fmt.Errorf("cannot start %q: %w", svc.name, err)
	}
	var socket *proc.NotifySocket
	if conf.Notifies() {
		if socket, err = s.listenNotify(svc, a.Gen); err != nil {
			return fmt.Errorf("cannot start %q: %w", svc.name, err)
		}
		spec.Notify = socket.Path()
	}
	if conf.Ready.Mode == configs.ReadyLog {
		spec.LogAt = sizeOf(spec.Output.File)
	}
	s.solved("log:" + svc.name)
	began := time.Now()
	child, err := s.hands.Start(p, spec)
	if err != nil {
		return err
	}
	svc.mu.Lock()
	svc.started, svc.runs, svc.adopted = began, spec.Config, false
	svc.limits, svc.limitsLeft = proc.LimitsOf(spec.Rlimits, spec.Limits), pendingLimits{}
	svc.ready = false
	svc.diedUnseen, svc.completed = false, false
	svc.orphaned = orphaned
	if len(svc.lackLocked()) > 0 {
		s.services.limited.Store(true) // a reload came in between
	}
	svc.mu.Unlock()
	svc.beat.Store(int64(now()))
	s.watch(svc, child, a.Gen, s.cgroupOf(svc.name, a.Gen), conf.Watchdog)
	s.listen(svc, socket)
	s.awaitLine(svc, conf, a.Gen, spec.LogAt)
	res.Gen, res.PID, res.Watchdog = a.Gen, child.PID(), conf.Watchdog
	s.tryHook(p, hook, configs.PostStart)
	return nil
}

// watch makes child the service's process and tells the core, once, when it ends. Called inside the permit: a child
// that dies at once must not be missed. watchdog is what the instance was told at its start.
func (s *Supervisor) watch(svc *service, child *proc.Process, gen uint64, cgroup string, watchdog time.Duration) {
	svc.mu.Lock()
	told := make(chan struct{})
	svc.proc, svc.gen, svc.cgroup, svc.exited, svc.told = child, gen, cgroup, false, told
	svc.talk.begin(gen, watchdog)
	svc.mu.Unlock()
	s.checks.began(svc.name, gen)
	s.rotateStarted(svc)
	s.followMain(svc, child, gen, told)
}

// followMain has the end of p told as the end of the service, unless another process is its main one by then.
func (s *Supervisor) followMain(svc *service, p *proc.Process, gen uint64, told chan struct{}) {
	p.OnExit(func(e proc.Exit) {
		svc.mu.Lock()
		socket := svc.talk.socket
		svc.mu.Unlock()
		if socket == nil {
			s.over(svc, p, gen, told, e)
			return
		}
		// Its last words may name another main process. Not here: OnExit runs on the goroutine of all processes.
		go func() {
			socket.Drain()
			s.over(svc, p, gen, told, e)
		}()
	})
}

// over notes the end of a service's main process and has the core told.
func (s *Supervisor) over(svc *service, p *proc.Process, gen uint64, told chan struct{}, e proc.Exit) {
	svc.mu.Lock()
	if svc.gen == gen && svc.proc != p {
		svc.mu.Unlock()
		return
	}
	s.lines.forget(svc.name, gen)
	exit := core.Exit{
		Known: e.Known, Code: e.Code, Signal: e.Signal, CoreDump: e.CoreDump,
		BySupd: svc.ending == gen,
	}
	cgroup, conf := svc.cgroup, svc.conf
	if svc.gen == gen {
		svc.exited, svc.last = true, e.String()
		s.checks.ended(svc.name)
	}
	svc.mu.Unlock()
	if e.Signal == int(unix.SIGKILL) || e.Known && e.Code != 0 {
		exit.OOM = s.oomKilled(cgroup)
	}
	go func() {
		defer close(told)
		s.somebodyAtWork(conf, &exit)
		s.send(core.Exited{Service: svc.name, Gen: gen, Exit: exit})
	}()
}

// stop brings the service's whole tree down, by its own way of stopping or, if it hangs, by the signal that the stop
// says. The zero Act: it goes on with a stop that an earlier supd began.
func (s *Supervisor) stop(p *lockfile.Permit, svc *service, a core.Act) error {
	svc.mu.Lock()
	conf, target, gen, cgroup := svc.conf, svc.proc, svc.gen, svc.cgroup
	exited, left := svc.exited, svc.halfStopped
	svc.ending = gen
	svc.mu.Unlock()
	spec := hands.StopSpec{Service: svc.name, Gen: gen, Cgroup: cgroup, Signal: unix.SIGTERM, Timeout: stopTimeoutDefault}
	if target != nil && !exited {
		spec.Target = target.Identity()
	} else if a.Verb == "" {
		spec.Target = left // finishing an earlier supd's stop: it is gone, but by its session others are found where there are no cgroups
	}
	if conf != nil {
		spec.Signal, spec.Timeout = unix.Signal(conf.Stop.Signal), conf.Stop.Timeout
		if a.Verb == core.Stop && a.Signal != 0 {
			spec.Signal = unix.Signal(a.Signal)
		} else if len(conf.Stop.Command) > 0 {
			script, err := s.script(svc, conf, conf.Stop.Command, conf.Stop.Timeout)
			if err != nil {
				return fmt.Errorf("cannot stop %q: %w", svc.name, err)
			}
			script.Output.Keep = true // its last words are the reason
			spec.Command = &script
		}
	}
	hook := hook{svc: svc, conf: conf, requests: a.Requests, more: true}
	if conf != nil && !spec.Target.IsZero() && a.Verb != "" && a.Signal == 0 { // who hangs is not asked
		s.tryHook(p, hook, configs.PreStop)
	}
	r, err := s.hands.Stop(p, spec)
	if err != nil {
		return err
	}
	if r.Script != nil && r.Script.Failed() != "" {
		text := fmt.Sprintf("the stop command of %q failed: %s", svc.name, withTail(r.Script.Failed(), r.Script.Tail))
		s.log.Warn(text, "service", svc.name)
		s.record("stop.failed", svc.name, journal.Warning, text, nil)
	}
	if !r.Gone {
		return fmt.Errorf("cannot stop %q: processes %v do not end, not even by SIGKILL", svc.name, r.Leftovers)
	}
	if r.Killed {
		s.log.Warn("did not end in time and was killed", "service", svc.name, "timeout", spec.Timeout)
	}
	if stopsListening(a) {
		if err := s.hands.CloseSockets(p, svc.name); err != nil {
			return err
		}
	}
	if conf != nil && !r.WasDown {
		hook.more = a.Verb == core.Restart
		s.tryHook(p, hook, configs.PostStop)
	}
	return nil
}

// stopTimeoutDefault is for a service whose config is gone.
const stopTimeoutDefault = 10 * time.Second

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

// oomKilled says whether the kernel killed something in the cgroup for want of memory.
func (s *Supervisor) oomKilled(cgroup string) bool {
	if cgroup == "" {
		return false
	}
	n, ok := (&proc.Cgroup{Path: cgroup}).OOMKills()
	return ok && n > 0
}

// drain waits until no action is under way, at most as long as ctx.
func (s *Supervisor) drain(ctx context.Context) error {
	over := make(chan struct{})
	go func() { s.acting.Wait(); close(over) }()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return errors.New("an action is still in flight")
	}
}

// execGated runs the program of a service's check outside the core's decisions (on_recover), as an automatic action: it
// is observed afresh and passes the gate like any other.
func (s *Supervisor) execGated(c *configs.Check, r checks.Report) error {
	svc := s.services.get(r.Service)
	o := s.dir.Observe(r.Service)
	if svc == nil || s.observing(r.Service) {
		return nil
	}
	req := lockfile.Request{
		Services: []string{r.Service}, Verb: lockfile.VerbExec, Automatic: true, By: "check " + r.Name, Reason: r.Result.Detail,
		Decisions: map[string]lockfile.Decision{r.Service: {PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}},
		Extra:     s.memory.of,
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

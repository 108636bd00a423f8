package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

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
	svc.diedUnseen, svc.completed, svc.ended = false, false, proc.End{}
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
	svc.proc, svc.gen, svc.cgroup, svc.exited, svc.exit, svc.told = child, gen, cgroup, false, nil, told
	svc.talk.begin(gen, watchdog)
	svc.mu.Unlock()
	s.checks.began(svc.name, gen)
	s.rotateStarted(svc)
	s.followMain(svc, child, gen, told)
}

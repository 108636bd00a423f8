package supervisor

import (
	"context"
	"errors"
	"fmt"

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
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	at := &atGate{s: s, act: a, leave: ln.leave, cancel: cancel}
	r.Waiting, r.Look = at.waits, at.look
	err := s.dir.Do(ctx, r, func(p *lockfile.Permit) error {
		at.passed = true
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
	if s.ctx.Err() == nil && !at.passed && errors.Is(err, context.Canceled) {
		err = &lockfile.StaleError{Service: a.Service, Why: errNobodyWaits.Error()}
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

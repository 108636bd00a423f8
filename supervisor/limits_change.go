package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// Limits that a running service can be given are a change of the service like any other: through the gate, never under a
// lock, and pending until then.

// limitsBusyWait is how long a change of limits waits for an action under way. It stays pending, and is tried again.
const limitsBusyWait = 2 * time.Second

// changeLimits gives every running service the limits that its config says now, as an automatic action each: what is held
// stays as it is. It returns when all have been tried.
func (s *Supervisor) changeLimits() {
	done := s.acts()
	if done == nil {
		return
	}
	defer done()
	var all sync.WaitGroup
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		if svc == nil {
			continue
		}
		if lack, _ := svc.lacks(); len(lack) == 0 {
			continue
		}
		all.Add(1)
		s.lanes.run(func(ln *lane) {
			defer all.Done()
			s.giveLimits(svc, nil, ln.leave)
		})
	}
	all.Wait()
}

// acts counts an action that did not come from the loop among those that are waited for when supd ends or is replaced, until
// done is called; nil: supd ends, and nothing may begin. Not for the loop.
func (s *Supervisor) acts() (done func()) {
	began := false
	// In the loop: once that has ended nobody is counted any more, and f has run or never will.
	if !s.ask(s.ctx, func(*core.State) { s.acting.Add(1); began = true }) && !began {
		return nil
	}
	return s.acting.Done
}

// limitsDue tries again what a hold kept back, as soon as there is none. Called by the loop.
func (s *Supervisor) limitsDue(name string) {
	if !s.services.limited.Load() {
		return
	}
	svc := s.services.get(name)
	if svc == nil {
		return
	}
	if lack, left := svc.lacks(); len(lack) == 0 || left.refused {
		return
	}
	s.acting.Add(1)
	s.lanes.run(func(ln *lane) {
		defer s.acting.Done()
		s.giveLimits(svc, nil, ln.leave)
	})
}

// giveLimits takes a change of limits through the gate: for the owner who asked, or, with none, as an automatic action. What
// is not in force afterwards is pending, with the reason; the reason is also the answer, "" if all is.
func (s *Supervisor) giveLimits(svc *service, owner *lockfile.Owner, leave func()) string {
	if owner == nil && s.observing(svc.name) {
		return s.limitsLeft(svc, pendingLimits{why: "supd only observes it"})
	}
	o := s.dir.Observe(svc.name)
	r := lockfile.Request{
		Services: []string{svc.name}, Verb: lockfile.VerbReload, Automatic: owner == nil, By: "reload", Reason: "new limits",
		Decisions: map[string]lockfile.Decision{svc.name: {PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}},
		Extra:     s.holdsInMemory(owner == nil), Wait: limitsBusyWait, Waiting: leave,
	}
	if owner != nil {
		r.Actor, r.By = *owner, owner.String()
	}
	left := pendingLimits{}
	err := s.dir.Do(s.ctx, r, func(p *lockfile.Permit) error {
		var err error
		left, err = s.setLimits(p, svc)
		return err
	})
	if err != nil {
		left = pendingLimits{why: s.heldBack(svc.name, err)}
	}
	return s.limitsLeft(svc, left)
}

// heldBack is why the gate did not let a change of limits pass; a hold is on record.
func (s *Supervisor) heldBack(name string, err error) string {
	var held *lockfile.HeldError
	if !errors.As(err, &held) {
		return err.Error()
	}
	s.metrics.suppressed(name, string(lockfile.VerbReload))
	s.record("action.suppressed", name, journal.Notice, fmt.Sprintf("new limits of %q are held back: %v", name, err), map[string]string{"verb": string(lockfile.VerbReload)})
	return "it is held; they are set when the hold ends, or by supctl reload --apply"
}

// setLimits gives the running instance what it lacks.
func (s *Supervisor) setLimits(p *lockfile.Permit, svc *service) (pendingLimits, error) {
	svc.mu.Lock()
	lack, conf, main := svc.lackLocked(), svc.conf, svc.proc
	svc.mu.Unlock()
	if len(lack) == 0 {
		return pendingLimits{}, nil
	}
	n := hands.NewLimits{Service: svc.name, Main: main.Identity()}
	var given, gone []string
	for _, l := range rlimits(conf) {
		if slices.Contains(lack, l.Key) && !l.Fixed {
			n.Rlimits, given = append(n.Rlimits, l), append(given, l.Key)
		}
	}
	for _, l := range cgroupLimits(conf) {
		if slices.Contains(lack, l.Key) {
			n.Whole, given = append(n.Whole, l), append(given, l.Key)
		}
	}
	for _, key := range lack {
		if !slices.Contains(given, key) {
			gone = append(gone, key)
		}
	}
	set, err := s.hands.SetLimits(p, n)
	if err != nil {
		return pendingLimits{}, err
	}
	s.noteLimits(svc, main, set.Now)
	s.toldLimits(svc.name, given, set)
	return leftOver(gone, set.Refused), nil
}

// noteLimits writes down what an instance has, if it still runs: the note of one that has ended may be gone for a reason.
func (s *Supervisor) noteLimits(svc *service, main *proc.Process, has proc.Limits) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.proc != main || svc.exited {
		return
	}
	svc.limits = has
	n, err := s.hands.Notes.Read(svc.name)
	if err == nil {
		n.Limits = has
		err = s.hands.Notes.Write(n)
	}
	if err != nil { // then the next supd sets them again
		s.log.Warn("cannot note the limits of a service", "service", svc.name, "err", err)
	}
}

// toldLimits records what was done.
func (s *Supervisor) toldLimits(name string, given []string, set hands.LimitsSet) {
	if len(given) > len(set.Refused) {
		s.record("limits.changed", name, journal.Notice, fmt.Sprintf("%q runs on with new limits: %s", name, strings.Join(given, ", ")), nil)
	}
	for _, err := range set.Refused {
		s.record("limits.refused", name, journal.Warning, fmt.Sprintf("%q keeps its limit: %v", name, err), nil)
	}
}

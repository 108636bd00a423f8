package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// Limits that a running service can be given are a change of the service like any other: through the gate, never under a
// lock, and pending until then.

// limitsBusyWait is how long a change of limits waits for an action under way. It stays pending, and is tried again.
const limitsBusyWait = 2 * time.Second

// pendingLimits is what a running service lacks of its config's limits.
type pendingLimits struct {
	why     string // in words; "" if nobody has tried
	refused bool   // by the kernel: it is not tried again before the next reload
	restart bool   // a restart settles it
}

// wantedLocked are the limits of the latest config that can change in flight. v.mu must be held.
func (v *service) wantedLocked() proc.Limits {
	if !v.wantedKnown {
		v.wantedKnown, v.wanted = true, nil
		if v.conf != nil && v.conf.Limits != (configs.Limits{}) {
			v.wanted = proc.LimitsOf(rlimits(v.conf), cgroupLimits(v.conf))
		}
	}
	return v.wanted
}

// lackLocked are the keys of limits that the running instance has otherwise than its config says. v.mu must be held.
func (v *service) lackLocked() []string {
	if v.conf == nil || v.proc == nil || v.exited || v.runs == "" {
		return nil
	}
	if want := v.wantedLocked(); len(want) > 0 || len(v.limits) > 0 {
		return v.limits.Differ(want)
	}
	return nil
}

// lacks says what of its limits a service is to be given, and what became of it so far.
func (v *service) lacks() ([]string, pendingLimits) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lackLocked(), v.limitsLeft
}

// limitsOnly says whether nothing but limits is pending, and none that only a restart gives.
func (v *service) limitsOnly() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.runs == v.digestLocked() && !v.limitsLeft.restart
}

// changeLimits gives every running service the limits that its config says now, as an automatic action each: what is held
// stays as it is. It returns when all have been tried.
func (s *Supervisor) changeLimits() {
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
		left = pendingLimits{why: heldBack(err)}
	}
	return s.limitsLeft(svc, left)
}

// heldBack is why the gate did not let a change of limits pass.
func heldBack(err error) string {
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return "it is held; they are set when the hold ends, or by supctl reload --apply"
	}
	return err.Error()
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
	svc.mu.Lock()
	if svc.proc == main {
		svc.limits = set.Now
	}
	svc.mu.Unlock()
	s.toldLimits(svc.name, given, set)
	return leftOver(gone, set.Refused), nil
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

// leftOver is what remains pending after the kernel was asked. gone are the limits that the config has no more.
func leftOver(gone []string, refused []error) pendingLimits {
	var left pendingLimits
	var why []string
	if len(gone) > 0 {
		left.restart, left.refused = true, true
		why = append(why, strings.Join(gone, ", ")+" cannot be taken back while it runs")
	}
	for _, err := range refused {
		left.refused = true
		var restart *hands.RestartError
		left.restart = left.restart || errors.As(err, &restart)
		why = append(why, err.Error())
	}
	left.why = strings.Join(why, "; ")
	return left
}

// limitsLeft notes what is pending.
func (s *Supervisor) limitsLeft(svc *service, left pendingLimits) string {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if len(svc.lackLocked()) == 0 {
		left = pendingLimits{}
	}
	svc.limitsLeft = left
	if left.why != "" {
		s.services.limited.Store(true)
	}
	return left.why
}

// withLimits adds to the changes of a reload which limits are still pending, and why.
func (s *Supervisor) withLimits(changes []api.Change) []api.Change {
	for i := range changes {
		svc := s.services.get(changes[i].Service)
		if svc == nil {
			continue
		}
		if lack, left := svc.lacks(); len(lack) > 0 && left.why != "" {
			addText(&changes[i], limitsLine(lack, left))
		}
	}
	return changes
}

// limitsLine is what is pending in a line for a person.
func limitsLine(lack []string, left pendingLimits) string {
	return strings.Join(lack, ", ") + " pending: " + orElse(left.why, "not tried yet")
}

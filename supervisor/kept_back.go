package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// A service that is locked, or in the middle of an action, when the config makes something else of it stays what it is: its
// change is pending, and is in force for its next start once the lock or the action has ended.

// keepBack notes that the plan in force has the service as it was before. next is what the config says; nil: what it runs
// by already.
func (v *service) keepBack(next *configs.Service) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept, v.next = true, next
}

// settled notes that the plan in force has the service as the config says.
func (v *service) settled() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept, v.next = false, nil
}

// keptBack gives the config that waits, and whether one does that is another than the one it has.
func (v *service) keptBack() (*configs.Service, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.next, v.otherLocked()
}

// otherLocked says whether a config waits that is another than the latest. v.mu must be held.
func (v *service) otherLocked() bool {
	return v.next != nil && v.next.Digest() != v.digestLocked()
}

// configDue puts in force what was kept back of a service, if nothing is in the way any more. Called whenever something was told
// of the service.
func (s *Supervisor) configDue(name string) {
	if !s.services.kept.Load() {
		return
	}
	svc := s.services.get(name)
	if svc == nil {
		return
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if !svc.kept {
		return
	}
	if svc.settling { // an attempt that may have seen what was before
		svc.settleMore = true
		return
	}
	svc.settling = true
	go s.settleConfig(svc)
}

// When a change is tried again that met an action, the end of its lock among them: nothing tells that its gate is free. Twice as
// long each time: an action may take hours.
const (
	busyWait    = 250 * time.Millisecond
	busyWaitMax = 10 * time.Second
)

// settleConfig enforces the plan once more, now that svc is free. Where it is not, the next event brings the next attempt.
func (s *Supervisor) settleConfig(svc *service) {
	for more := true; more; {
		enforced := s.trySettle(svc)
		svc.mu.Lock()
		more = svc.kept && svc.settleMore
		svc.settleMore, svc.settling = false, more
		if busy := enforced && svc.kept && !more; busy {
			svc.settleWait = min(max(busyWait, 2*svc.settleWait), busyWaitMax)
			time.AfterFunc(svc.settleWait, func() { s.configDue(svc.name) })
		} else {
			svc.settleWait = 0
		}
		svc.mu.Unlock()
	}
}

// trySettle is one attempt. enforced: the plan was put in force, and if the change is kept back still, then by an action.
func (s *Supervisor) trySettle(svc *service) (enforced bool) {
	if s.ctx.Err() != nil || len(s.dir.Cover(svc.name).Locks) > 0 {
		return false
	}
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	svc.mu.Lock()
	kept := svc.kept
	svc.mu.Unlock()
	if !kept {
		return false
	}
	plan, _ := s.inForce()
	if err := s.enforce(s.ctx, plan); err != nil {
		s.log.Warn("cannot put a change in force that was pending", "service", svc.name, "err", err)
		return false
	}
	s.follow(plan)
	return true
}

// refusedChange is the answer to --apply for a service that is locked, or whose change is kept back by an action.
func (s *Supervisor) refusedChange(owner lockfile.Owner, name string) api.ActionResult {
	res := api.ActionResult{Service: name, Code: api.CodeFailed}
	locks := s.dir.Cover(name).Locks
	if len(locks) == 0 {
		res.Text = fmt.Sprintf("cannot change %q: an action on it is in flight", name)
		res.Next = "supctl reload --apply, once more"
		return res
	}
	verb, then := "change", "supctl reload --apply, or its next restart, puts its new config in force"
	if s.services.get(name).vanishedFromConfig() {
		verb, then = "stop", "supctl reload --apply forgets it"
	}
	res.Code = api.CodeHeld
	res.Text = fmt.Sprintf("cannot %s %q while it is locked: %s", verb, name, core.HoldsText(coreHolds(lockfile.Cover{Locks: locks}, nil)))
	res.Next = asker{owner, s.lockView(owner).Gone}.nextUnderLock(locks) + "; then " + then
	return res
}

// keptBackLine is what explain says of a change that waits; "" if none does.
func (s *Supervisor) keptBackLine(svc *service) string {
	if _, waits := svc.keptBack(); !waits {
		return ""
	}
	if len(s.dir.Cover(svc.name).Locks) == 0 {
		return "its new config waits for the end of an action on it"
	}
	return "its new config waits for the end of the lock: until then it is started with the one before, whoever starts it"
}

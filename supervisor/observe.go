package supervisor

import (
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// observe looks at a service in the protocol's order: epoch and locks first (lockfile.Dir.Observe), and only then the
// process. Runs in a lane.
func (s *Supervisor) observe(name string, ln *lane) core.Observed {
	o := s.dir.Observe(name)
	s.addOnlyHere(name, &o.Cover)
	s.overdue.see(name, o.Cover.Locks)
	s.strays.see(name, o.Cover.Locks)
	unsaved := s.memory.unsavedOf(name)
	ev := core.Observed{
		Service: name, PlanGen: o.PlanGen, Epoch: o.Epoch.Token, SettleUntil: s.settleUntil(name, o.Epoch),
		Clean: o.Cover.Clean() && len(s.memory.of(name)) == 0,
		Holds: coreHolds(o.Cover, unsaved),
	}
	svc := s.services.get(name)
	if svc == nil {
		return ev
	}
	s.prerequisitesTold(svc, ln)
	svc.endTold(s.done, ln.leave) // for ev.Ended
	svc.mu.Lock()
	defer svc.mu.Unlock()
	ev.Gen = svc.gen // also of one that has ended: no generation is used twice
	if svc.proc != nil && !svc.exited {
		ev.Running, ev.PID, ev.Watchdog = true, svc.proc.PID(), svc.talk.watchdog
	}
	// Said each time: an observation may be out of date when it arrives, and not count.
	ev.DiedUnseen, ev.Completed, ev.Recorded = svc.diedUnseen && svc.proc == nil, svc.completed, svc.ended.How
	if svc.adopted {
		ev.Ended = svc.exit
	}
	ev.Since = svc.sinceLocked(o.Cover.Holds)
	return ev
}

// prerequisitesTold waits until the core has heard of every end of a process that svc needs. When all crash at once their
// ends come in any order, and a dependent must not be started before what it needs only because its own end was told first.
func (s *Supervisor) prerequisitesTold(svc *service, ln *lane) {
	svc.mu.Lock()
	conf := svc.conf
	svc.mu.Unlock()
	if conf == nil {
		return
	}
	for _, name := range conf.DependsOn {
		if d := s.services.get(name); d != nil {
			d.endTold(s.done, ln.leave)
		}
	}
}

// settleUntil is the end of the grace time after a release, which counts from the epoch on this boot only.
func (s *Supervisor) settleUntil(name string, e lockfile.Epoch) core.Instant {
	if !e.Release || e.BootID != s.bootID {
		return 0
	}
	conf := s.services.conf(name)
	if conf == nil {
		return 0
	}
	until := core.Instant(e.Boottime).Add(conf.Maintenance.Settle)
	if until <= now() {
		return 0
	}
	return until
}

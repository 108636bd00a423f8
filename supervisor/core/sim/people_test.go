package sim

import (
	"slices"
	"time"

	"github.com/supd/supd/supervisor/core"
)

// happen lets one thing happen that is not the daemon's doing.
func (w *world) happen() {
	s := w.svc[w.rng.IntN(len(w.svc))]
	switch n := w.rng.IntN(100); {
	case n < 14:
		w.crash(s)
	case n < 20:
		w.stopByHand(s)
	case n < 32:
		w.takeLock(s)
	case n < 46:
		w.endLock()
	case n < 48:
		w.breakLock()
	case n < 50:
		w.handOver()
	case n < 51:
		w.abandon()
	case n < 64:
		w.ask(s)
	case n < 65:
		w.guard(s)
	case n < 70:
		if w.st == nil {
			w.boot()
		} else if w.rng.IntN(2) == 0 {
			w.die()
		}
	case n < 75:
		w.reload(s)
	case n < 82:
		w.toggle(s)
	case n < 86:
		w.checkTurns(s)
	case n < 89:
		w.interlockTurns(s)
	case n < 92:
		w.startByHand(s)
	case n < 93:
		w.killHelper()
	case n == 93 && w.rng.IntN(2) == 0:
		w.stall = 10 + w.rng.IntN(40)
	case n < 94:
		w.tell(core.Shutdown{StopServices: w.rng.IntN(2) == 0})
	case n < 97:
		w.becomeReady(s)
	case n < 98:
		w.reexec()
	case n < 99 && s.spec.Oneshot && w.rng.IntN(4) > 0:
		w.tracef("the time of %s comes", s.name)
		w.tell(core.Due{Service: s.name})
	case n < 99:
		w.tell(core.Tick{})
	default:
		w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Second)
	}
}

func (w *world) crash(s *service) {
	if s.proc == nil || !s.proc.alive {
		return
	}
	if s.proc.termed != nil && !s.ignores {
		w.end(s.proc, core.Exit{Signal: 15, BySupd: true}) // it was on its way down
		return
	}
	e := core.Exit{Signal: 11}
	switch w.rng.IntN(4) {
	case 0:
		e = core.Exit{Code: 1}
	case 1:
		e = core.Exit{Signal: 9, OOM: true}
	case 2:
		e = core.Exit{Signal: 15, ByMemoryKiller: true}
	case 3:
		if s.proc.seen == w.life { // it hangs, and its watchdog says so
			w.tell(core.Heartbeat{Service: s.name, Gen: s.proc.gen, Failed: true})
			return
		}
	}
	if s.spec.Stateful && w.rng.IntN(3) == 0 { // a person is at work in its data, and forgot the lock
		e.AtWork, e.AtWorkHow = people[0], "pid 77 stands in /data"
		if w.st != nil && s.proc.seen == w.life {
			s.stoppedGen, s.stoppedClean = s.proc.gen, false
		}
	}
	w.end(s.proc, e)
}

// stopByHand is somebody who forgot the lock.
func (w *world) stopByHand(s *service) {
	p := s.proc
	if p == nil || !p.alive {
		return
	}
	e := core.Exit{Signal: 15}
	switch w.rng.IntN(3) {
	case 0:
		e = core.Exit{Code: 0}
	case 1:
		e = core.Exit{Code: 143}
	}
	if w.st != nil && p.seen == w.life {
		s.stoppedGen, s.stoppedClean = p.gen, e.Code == 0 && e.Signal == 0
	}
	w.end(p, e)
}

// startByHand is somebody who starts it without supd, and looks first.
func (w *world) startByHand(s *service) {
	if (s.proc != nil && s.proc.alive) || (s.gate.ex != nil && s.gate.ex.refs > 0) || s.spec.Oneshot {
		return
	}
	w.spawn(s, 0).ready = true
	s.deliberate = false
	w.tracef("%s was started by hand", s.name)
}

func (w *world) takeLock(s *service) {
	if len(w.locks) > 6 {
		return
	}
	l := lockFile{}
	switch w.rng.IntN(6) {
	case 0:
		l.host = true
	case 1:
		l.group = true
	default:
		l.members = 1 << s.i
	}
	w.addLock(w.rng.IntN(len(people)), l)
}

func (w *world) anyLock() *lockFile {
	for range 4 {
		if len(w.locks) > 0 {
			if l := w.locks[w.rng.IntN(len(w.locks))]; !l.ended {
				return l
			}
		}
	}
	return nil
}

func (w *world) endLock() {
	if l := w.anyLock(); l != nil {
		w.tasks = append(w.tasks, &task{kind: taskEnd, lock: l, actor: l.owner, leave: w.rng.IntN(3) == 0, force: w.rng.IntN(3) == 0})
	}
	w.forget()
}

func (w *world) breakLock() {
	if l := w.anyLock(); l != nil {
		w.tasks = append(w.tasks, &task{kind: taskEnd, lock: l, actor: w.rng.IntN(len(people)), breaker: true})
	}
}

// abandon is a supctl that is killed while it waits, ends or accepts, or a lock past its end.
func (w *world) abandon() {
	if l := w.anyLock(); l != nil {
		l.overdue = true
		for _, t := range w.tasks {
			if t.lock == l && w.rng.IntN(2) == 0 {
				t.dead = true
				t.dropGates()
			}
		}
		w.sweep()
		w.changedBy(l)
	}
}

func (w *world) ask(s *service) {
	if w.st == nil || !s.configured {
		return
	}
	w.nextID++
	r := core.Request{ID: w.nextID, Service: s.name, By: people[w.rng.IntN(len(people))],
		Override: w.rng.IntN(8) == 0, OverrideInterlock: w.rng.IntN(8) == 0, WithDependents: w.rng.IntN(2) == 0}
	r.Verb = [...]core.Verb{core.Start, core.Start, core.Start, core.Stop, core.Stop, core.Restart, core.Restart, core.Reload, core.Signal}[w.rng.IntN(9)]
	w.open[r.ID] = true
	w.tell(r)
	if w.rng.IntN(12) == 0 {
		// Whoever asked goes away; the question may already be answered.
		w.tell(core.CancelRequest{ID: r.ID})
		delete(w.open, r.ID)
		w.cancelled = append(w.cancelled, r.ID)
	}
}

// toggle turns one of the faults of s or of the host.
func (w *world) toggle(s *service) {
	switch w.rng.IntN(6) {
	case 0, 1:
		s.spawnFail = !s.spawnFail
	case 2:
		s.ignores = !s.ignores
	case 3:
		s.neverUp = !s.neverUp
	case 4:
		w.diskFull = !w.diskFull
	default:
		s.garbage, s.garbageAt = !s.garbage, w.step
		w.tracef("garbage on %s: %v", s.name, s.garbage)
		w.changed(s)
	}
}

func (w *world) checkTurns(s *service) {
	if s.proc == nil {
		return
	}
	if s.failing = !s.failing; !s.failing {
		w.tell(core.CheckRecovered{Service: s.name, Gen: s.proc.gen, Check: "http"})
		return
	}
	on := [...]core.OnFail{core.FailRestart, core.FailRestart, core.FailReload, core.FailAlert, core.FailStop, core.FailHold, core.FailExec}[w.rng.IntN(7)]
	w.tell(core.CheckFailed{Service: s.name, Gen: s.proc.gen, Check: "http", OnFail: on, Reason: "503"})
}

func (w *world) interlockTurns(s *service) {
	s.interlock = !s.interlock
	w.tell(core.Interlock{Service: s.name, Check: "disk", On: s.interlock, Reason: "errors"})
}

func (w *world) becomeReady(s *service) {
	if p := s.proc; p != nil && p.alive && !p.ready && !s.neverUp && p.seen == w.life {
		p.ready = true
		w.tell(core.Ready{Service: s.name, Gen: p.gen})
	}
}

// killHelper is the out-of-memory killer on a helper: its flock goes, its TERM
// stays sent.
func (w *world) killHelper() {
	for _, t := range w.tasks {
		if t.kind == taskHelper && !t.done {
			t.done = true
			t.dropGates()
			w.tracef("helper of %s killed", t.name)
			w.sweep()
			if w.st != nil && w.rng.IntN(2) == 0 {
				w.die()
			}
			return
		}
	}
}

// reload changes the configuration, under the gates of all services: busy gates
// leave it pending.
func (w *world) reload(s *service) {
	if w.st == nil || w.st.Closing != nil || w.diskFull {
		return // plan.toml could not be written
	}
	for _, x := range w.svc {
		if (x.gate.ex != nil && x.gate.ex.refs > 0) || x.rec != nil {
			return
		}
	}
	w.planGen++
	switch n := w.rng.IntN(6); {
	case n == 0:
		s.group = !s.group
		w.tracef("reload: %s in the group: %v", s.name, s.group)
	case n == 1:
		w.rename(s)
	case n == 2 && s.configured:
		s.configured = false
		w.tell(core.Orphan{Service: s.name})
	default:
		auto := s.spec.Autostart // said of a known service, it starts nothing
		s.configured = true
		s.spec = w.randomSpec(s)
		s.spec.Autostart = auto
	}
	for _, x := range w.svc {
		if x.configured {
			w.tell(core.Configure{Spec: x.spec, PlanGen: w.planGen})
		}
	}
	for _, x := range w.renamed {
		if x.interlock { // the core knows it for the old name only
			w.tell(core.Interlock{Service: x.name, Check: "disk", On: true, Reason: "errors"})
		}
	}
	w.renamed = nil
}

// rename gives the same process a new name, in its own spec and in those of its
// dependents.
func (w *world) rename(s *service) {
	old := s.name
	w.tell(core.Forget{Service: old})
	s.name += "'"
	s.spec.Name = s.name
	s.deliberate = hasHold(s, core.HoldOperatorStop)
	s.configured = true
	for _, x := range w.svc {
		x.spec.DependsOn = slices.Clone(x.spec.DependsOn)
		for i, d := range x.spec.DependsOn {
			if d == old {
				x.spec.DependsOn[i] = s.name
			}
		}
	}
	w.tracef("reload: %s renamed %s", old, s.name)
	w.renamed = append(w.renamed, s)
}

package sim

import "github.com/supd/supd/supervisor/core"

// kind of a task: something that takes several steps, between which anything
// else may happen.
type kind uint8

const (
	taskObserve kind = iota
	taskAct
	taskHelper
	taskWatch
	taskAddHold
	taskClearHolds
	taskLock
	taskEnd
	taskGuard
)

// task is one of them at one of its steps.
type task struct {
	kind   kind
	pc     int
	svc    *service
	name   string // of the service when the task was made
	daemon bool   // dies with the daemon
	dead   bool
	done   bool

	act      core.Act
	actor    int
	auto     bool // truly automatic, whatever a faulty perform makes of it
	closing  bool // part of a shutdown, which somebody asked for
	decided  int  // when the observation behind the decision began
	gateAt   int  // when the gate was taken
	recorded bool
	helper   *task
	result   core.Result

	ob      core.Observed
	obStep  int
	hold    core.HoldSpec
	boss    *task // of a helper
	target  *proc
	lock    *lockFile
	waited  uint // gates a lock has waited at
	held    []*service
	descs   []*desc
	leave   bool
	force   bool
	breaker bool
	accepts bool // the actor is the lock's heir
	waits   int
}

// takeEX takes the gate exclusively, or not.
func (t *task) takeEX(s *service) bool {
	if s.gate.ex != nil && s.gate.ex.refs == 0 {
		s.gate.ex = nil
	}
	if s.gate.ex != nil || s.gate.sh > 0 {
		return false
	}
	s.gate.ex = &desc{refs: 1}
	t.held = append(t.held, s)
	t.descs = append(t.descs, s.gate.ex)
	return true
}

// dropGates gives up the task's references; a helper's keep the gate closed.
func (t *task) dropGates() {
	for i, d := range t.descs {
		d.refs--
		if d.refs == 0 && t.held[i].gate.ex == d {
			t.held[i].gate.ex = nil
		}
	}
	t.held, t.descs = nil, nil
}

// alive is protocol.md's alive(record).
func (r *record) alive(w *world) bool {
	switch {
	case w.has(bugRecordIgnored):
		return false
	case r.guard != nil:
		return !r.guard.done && !r.guard.dead
	case r.helper != nil && !r.helper.done:
		return true
	case r.target != nil && r.target.alive:
		return true
	}
	return w.st != nil && r.life == w.life && !r.by.done
}

// run takes one step of a task and reports whether it could.
func (w *world) run(t *task) bool {
	switch t.kind {
	case taskObserve:
		w.runObserve(t)
	case taskAct:
		return w.runAct(t)
	case taskHelper:
		return w.runHelper(t)
	case taskWatch:
		t.done = true
		w.tell(core.HoldsChanged{Service: t.svc.name, Holds: w.readHolds(t.svc)})
	case taskAddHold:
		return w.runAddHold(t)
	case taskClearHolds:
		return w.runClearHolds(t)
	case taskLock:
		return w.runLock(t)
	case taskEnd:
		return w.runEnd(t)
	case taskGuard:
		return w.runGuard(t)
	}
	return true
}

// sweep takes finished tasks off the list.
func (w *world) sweep() {
	kept := w.tasks[:0]
	for _, t := range w.tasks {
		if !t.done && !t.dead {
			kept = append(kept, t)
		}
	}
	w.tasks = kept
}

// readHolds is what a reader of locks and holds finds at this moment.
func (w *world) readHolds(s *service) []core.Hold {
	var out []core.Hold
	for _, l := range w.locks {
		if l.covers(s) {
			out = append(out, core.Hold{Kind: core.HoldLock, ID: l.ids, By: people[l.owner], LockID: l.ids})
		}
	}
	if s.garbage {
		out = append(out, core.Hold{Kind: core.HoldUnreadable, ID: "garbage"})
	}
	return append(out, s.holds...)
}

var people = [...]string{"alice", "bob", "carol"}

// runObserve is observe(S): epoch, then locks and holds, then the process.
func (w *world) runObserve(t *task) {
	s := t.svc
	readEpoch := func() {
		t.ob.Service, t.ob.PlanGen, t.ob.Epoch, t.ob.SettleUntil = t.name, w.planGen, s.epochS, s.settle
	}
	switch t.pc {
	case 0:
		if !w.has(bugEpochReadLast) {
			readEpoch()
		}
	case 1:
		// An observation is as old as its look at the locks: the epoch, read before,
		// and the cleanliness together prove that no removal came after it.
		t.obStep = w.step
		t.ob.Holds = w.readHolds(s)
		t.ob.Clean = len(t.ob.Holds) == 0
	case 2:
		w.lookAt(t, s)
		if !w.has(bugEpochReadLast) {
			w.finishObserve(t)
			return
		}
	case 3:
		readEpoch()
		w.finishObserve(t)
	}
	t.pc++
}

// lookAt finds the process: by its cgroup, or by RUN's file about it.
func (w *world) lookAt(t *task, s *service) {
	p := s.proc
	if w.has(bugAdoptByFileOnly) && (p == nil || p.seen != w.life) {
		p = s.procFile
	}
	if p != nil && p.alive {
		if p.gen == 0 {
			w.starts++
			p.gen = core.Stranger | uint64(w.starts)
		}
		p.seen = w.life
		t.ob.Running, t.ob.Gen, t.ob.PID = true, p.gen, p.pid
	} else if f := s.procFile; f != nil && !f.alive && f.seen != w.life {
		t.ob.DiedUnseen = true
	}
	if !t.ob.Running {
		t.ob.Gen = s.maxGen
	}
	t.ob.Completed = s.completed
}

func (w *world) finishObserve(t *task) {
	t.done = true
	w.tracef("observed %s: epoch %s holds %v running %v gen %d unseen %v", t.name, t.ob.Epoch, t.ob.Holds, t.ob.Running, t.ob.Gen, t.ob.DiedUnseen)
	if t.name == t.svc.name {
		t.svc.servedStep = t.obStep
	}
	w.tell(t.ob)
}

// runAddHold writes a hold, and tries again as long as the disk is full.
func (w *world) runAddHold(t *task) bool {
	if w.diskFull {
		return false
	}
	t.done = true
	w.addHold(t.svc, t.hold)
	return true
}

func (w *world) addHold(s *service, h core.HoldSpec) {
	w.nextID++
	s.holds = append(s.holds[:len(s.holds):len(s.holds)], core.Hold{Kind: h.Kind, ID: holdID(w.nextID), By: h.By, Reason: h.Reason})
	w.tracef("hold %s on %s", h.Kind, s.name)
	w.changed(s)
}

func holdID(n uint64) string { return string(rune('A'+n%26)) + string(rune('a'+n/26%26)) }

// runClearHolds removes what "seen up again" ends, inside the gate.
func (w *world) runClearHolds(t *task) bool {
	s := t.svc
	switch t.pc {
	case 0:
		if !t.takeEX(s) {
			return false
		}
		t.pc++
		return true
	default:
		if s.proc != nil && s.proc.alive && (s.rec == nil || !s.rec.alive(w)) {
			w.clearHolds(s)
		}
		t.done = true
		t.dropGates()
	}
	return true
}

func (w *world) clearHolds(s *service) {
	var kept []core.Hold
	for _, h := range s.holds {
		if h.Kind != core.HoldOperatorStop && h.Kind != core.HoldRestartLimit {
			kept = append(kept, h)
		}
	}
	if len(kept) != len(s.holds) {
		s.deliberate = false
		s.setEpoch(w, s.settle) // a start does not end the settle time of a release
		s.holds = kept
		w.changed(s)
	}
}

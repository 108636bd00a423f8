package sim

import "github.com/supd/supd/supervisor/core"

// startHelper makes the process that keeps the gate's description until the stop
// is done, whatever becomes of the daemon.
func (w *world) startHelper(t *task) {
	h := &task{kind: taskHelper, svc: t.svc, name: t.name, boss: t, target: t.target, act: t.act, actor: t.actor, auto: t.auto, closing: t.closing, decided: t.decided, gateAt: t.gateAt}
	if !w.has(bugHelperWithoutGate) {
		d := t.descs[0]
		d.refs++
		h.held, h.descs = []*service{t.svc}, []*desc{d}
	}
	t.svc.rec.helper = h
	t.helper = h
	w.tasks = append(w.tasks, h)
}

// runHelper is TERM, wait, KILL.
func (w *world) runHelper(t *task) bool {
	p := t.target
	switch t.pc {
	case 0:
		if t.svc.rec != nil && t.svc.rec.helper == t {
			t.svc.rec.target = p
		}
		w.effect(t, "TERM")
		w.signal(t, p, 15)
	case 1:
		// It has the stop timeout to end by itself; whoever does not, ignores TERM.
		if p.alive && !t.svc.ignores {
			w.end(p, core.Exit{Signal: 15, BySupd: true})
		}
	case 2:
		w.effect(t, "KILL")
		w.signal(t, p, 9)
		if p.alive {
			w.end(p, core.Exit{Signal: 9, BySupd: true})
		}
	default:
		t.done = true
		t.dropGates()
	}
	t.pc++
	return true
}

// signal is pidfd_send_signal: it reaches the very process or nothing.
func (w *world) signal(t *task, p *proc, sig int) {
	p.termed = t
	if p.alive || !w.has(bugSignalByPid) {
		return
	}
	for _, s := range w.svc {
		if q := s.proc; q != nil && q != p && q.alive && q.pid == p.pid {
			w.violate("a signal for %s, pid %d, reached another process", p.svc.name, p.pid)
			w.end(q, core.Exit{Signal: sig})
		}
	}
}

// afterHelper goes on in the daemon when the target is down.
func (w *world) afterHelper(t *task) {
	s := t.svc
	if t.target.alive {
		t.pc = passHelper // the helper was killed: its target is still to be accounted for
		return
	}
	s.procFile = nil
	if t.act.Verb != core.Restart {
		t.pc = passEnd
		if w.has(bugHoldAfterEffect) && t.act.Hold != nil {
			w.addHold(s, *t.act.Hold)
		}
		return
	}
	t.pc = passFork
	if w.has(bugRestartUnderTwoPermits) {
		s.rec = nil
		t.recorded = false
		t.dropGates()
	}
}

// fork starts the instance, straight into its cgroup.
func (w *world) fork(t *task) bool {
	s := t.svc
	if s.spawnFail {
		t.result.Outcome, t.result.Err = core.ActFailed, "no such file"
		t.pc = passEnd
		return true
	}
	w.effect(t, "fork")
	if p := s.proc; p != nil && p.alive {
		w.violate("second instance of %s", s.name)
	}
	p := w.spawn(s, t.act.Gen)
	p.seen = w.life
	s.completed = false
	t.result.Gen, t.result.PID = p.gen, p.pid
	w.tracef("forked %s gen %d pid %d", s.name, p.gen, p.pid)
	t.pc = passRemember
	return true
}

package sim

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// The steps of a gate pass. Between any two of them the daemon may die, a lock
// may be written, a process may end.
const (
	passGate = iota
	passPlan
	passRecord
	passHolds
	passTokens
	passLook
	passWrite
	passHelper
	passWaitHelper
	passFork
	passRemember
	passEnd
)

// runAct is action(S, verb, decision) of the protocol, with the effects.
func (w *world) runAct(t *task) bool {
	s, a := t.svc, &t.act
	switch t.pc {
	case passGate:
		if !t.takeEX(s) {
			if t.waits++; t.waits > 200 {
				w.endAct(t, core.Result{Outcome: core.ActBusy, Err: "gate taken"})
				return true
			}
			return false
		}
		t.gateAt = w.step
	case passPlan:
		if a.Automatic && a.Decision.PlanGen != w.planGen || t.name != s.name {
			w.endAct(t, core.Result{Outcome: core.ActStale})
			return true
		}
	case passRecord:
		if s.rec != nil {
			if s.rec.alive(w) {
				w.endAct(t, core.Result{Outcome: core.ActBusy, Err: "in flight"})
				return true
			}
			s.rec = nil
			if a.Automatic {
				w.endAct(t, core.Result{Outcome: core.ActStale})
				return true
			}
		}
	case passHolds:
		if hs := w.gateHolds(t); len(hs) > 0 {
			s.unsaid = s.unsaid || t.auto
			w.endAct(t, core.Result{Outcome: core.ActSuppressed, Holds: hs})
			return true
		}
	case passTokens:
		if a.Automatic && !w.has(bugNoEpochCheck) && (a.Decision.Epoch != s.epochS || !a.Decision.Clean) {
			w.endAct(t, core.Result{Outcome: core.ActStale})
			return true
		}
	case passLook:
		if !w.gateLook(t) {
			w.endAct(t, core.Result{Outcome: core.ActStale})
			return true
		}
	case passWrite:
		s.rec = &record{by: t, life: w.life}
		t.recorded = true
		if a.ClearHolds {
			w.clearHolds(s)
			s.deliberate = false // somebody said start
		}
		if a.Hold != nil && !w.has(bugHoldAfterEffect) {
			if w.diskFull {
				w.endAct(t, core.Result{Outcome: core.ActFailed, Err: "disk full"})
				return true
			}
			w.addHold(s, *a.Hold)
		}
		t.pc = w.firstEffect(t)
		return true
	case passHelper:
		w.startHelper(t)
	case passWaitHelper:
		if !t.helper.done {
			return false
		}
		w.afterHelper(t)
		return true
	case passFork:
		return w.fork(t)
	case passRemember:
		s.procFile = s.proc
	case passEnd:
		w.endAct(t, t.result)
		return true
	}
	t.pc++
	return true
}

// gateHolds is what the gate finds in the way of this act.
func (w *world) gateHolds(t *task) []core.Hold {
	s, a := t.svc, &t.act
	var out []core.Hold
	mine, others := 0, 0
	for _, l := range w.locks {
		if !w.gateCovers(l, s) {
			continue
		}
		if l.owner == t.actor {
			mine++
		} else {
			others++
		}
		out = append(out, core.Hold{Kind: core.HoldLock, ID: l.ids, By: people[l.owner]})
	}
	if !a.Automatic && mine > 0 && (others == 0 || a.Override) {
		out = nil
	}
	if s.garbage && !w.has(bugGarbageIsFree) {
		out = append(out, core.Hold{Kind: core.HoldUnreadable, ID: "garbage"})
	}
	if s.lockTold && !a.OverrideInterlock && a.Verb != core.Stop {
		out = append(out, core.Hold{Kind: core.HoldInterlock, ID: "disk"})
	}
	if a.Automatic && !w.has(bugNoHoldsRead) {
		out = append(out, s.holds...)
	}
	return out
}

// gateCovers is covers, with the faults a gate can have.
func (w *world) gateCovers(l *lockFile, s *service) bool {
	switch {
	case w.has(bugNoLocksRead),
		w.has(bugOverdueIsFree) && l.overdue,
		w.has(bugHostIsFree) && l.host:
		return false
	case w.has(bugPresentMembersOnly) && l.group:
		return !l.ended && s.group
	}
	return l.covers(s)
}

// gateLook looks again inside the gate: start only if nothing runs, anything else
// only on the very instance that was meant.
func (w *world) gateLook(t *task) bool {
	p := t.svc.proc
	running := p != nil && p.alive
	switch {
	case w.has(bugNoLook):
		return true
	case t.act.Verb == core.Start:
		return !running
	case t.act.Gen == 0 && t.act.Verb == core.Stop:
		return !running
	case t.act.Verb == core.Restart:
		return running
	}
	return running && p.gen == t.act.Gen
}

// firstEffect says where an act that has passed goes on.
func (w *world) firstEffect(t *task) int {
	s := t.svc
	running := s.proc != nil && s.proc.alive
	switch t.act.Verb {
	case core.Start:
		return passFork
	case core.Stop, core.Restart:
		if running {
			t.target = s.proc
			return passHelper
		}
		s.procFile = nil
		if t.act.Verb == core.Restart {
			return passFork // it ended since the look: half of the work is done
		}
	default:
		w.effect(t, string(t.act.Verb))
	}
	return passEnd
}

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

// endAct removes the act's own record, opens the gate and answers the core.
func (w *world) endAct(t *task, r core.Result) {
	s := t.svc
	if s.rec != nil && s.rec.by == t {
		s.rec = nil
	}
	t.dropGates()
	t.done = true
	r.Act, r.Service = t.act.ID, t.name
	w.tracef("act %d (%s %s): outcome %d %s %v", t.act.ID, t.act.Verb, t.name, r.Outcome, r.Err, r.Holds)
	if w.has(bugResultLost) && w.rng.IntN(4) == 0 {
		return
	}
	w.tell(r)
}

// runLock is lock(targets) after the file has been written.
func (w *world) runLock(t *task) bool {
	l := t.lock
	if l.ended {
		t.done = true // broken meanwhile: exit 4
		return true
	}
	for _, s := range w.svc {
		if !l.covers(s) || t.waited>>s.i&1 == 1 {
			continue
		}
		if !w.has(bugLockDoesNotWait) {
			if s.gate.ex != nil && s.gate.ex.refs > 0 {
				return false
			}
			if s.rec != nil {
				if s.rec.alive(w) {
					return false
				}
				s.rec = nil // an action that died with its daemon: reported
			}
		}
		t.waited |= 1 << s.i
		l.members |= 1 << s.i
		return true
	}
	l.returned, t.done = true, true
	w.tracef("lock %d of %s on %s returned", l.id, people[l.owner], w.memberNames(l))
	w.judgeReturned(l)
	return true
}

// runEnd is end(ids), or break(id): the gates in order, the verdict, the new
// epochs, the removal.
func (w *world) runEnd(t *task) bool {
	l := t.lock
	if l.ended && t.pc < 3 {
		t.done = true
		t.dropGates()
		return true
	}
	for _, s := range w.svc {
		if !l.covers(s) || slices.Contains(t.held, s) {
			continue
		}
		if !t.takeEX(s) {
			if t.waits++; t.waits > 200 {
				t.done = true
				t.dropGates()
			}
			return false
		}
		return true
	}
	switch t.pc {
	case 0:
		if !w.mayEnd(t) {
			t.done = true
			t.dropGates()
			return true
		}
	case 1:
		if !w.has(bugNoNewEpoch) && !w.has(bugEpochAfterRemoval) {
			w.newEpochs(t)
		}
	case 2:
		l.ended = true
		for _, s := range t.held {
			s.released = w.step
			if w.has(bugNoNewEpoch) || w.has(bugEpochAfterRemoval) {
				s.releasedAt = w.now
			}
		}
		w.tracef("lock %d removed", l.id)
	default:
		if w.has(bugEpochAfterRemoval) {
			t.dropGates()
			w.newEpochs(&task{held: w.svc})
		}
		w.changedBy(l)
		t.done = true
		t.dropGates()
	}
	t.pc++
	return true
}

// mayEnd is the part of end that may refuse, and what --leave-stopped writes.
func (w *world) mayEnd(t *task) bool {
	for _, s := range t.held {
		if s.rec != nil && s.rec.alive(w) {
			return false
		}
	}
	for _, s := range t.held {
		running := s.proc != nil && s.proc.alive
		last := !slices.ContainsFunc(w.locks, func(o *lockFile) bool { return o != t.lock && o.covers(s) })
		switch {
		case t.breaker || !last || running || t.force:
		case t.leave:
			if w.diskFull {
				return false
			}
			w.addHold(s, core.HoldSpec{Kind: core.HoldOperatorStop, By: people[t.actor], Reason: "left stopped"})
			s.deliberate = true
		default:
			return false
		}
	}
	if t.breaker {
		// The breaker holds before the broken lock goes.
		w.addLock(t.actor, *t.lock)
	}
	return true
}

func (w *world) newEpochs(t *task) {
	for _, s := range t.held {
		s.setEpoch(w, w.now.Add(w.settle))
		s.releasedAt = w.now // the settle time counts from the token
	}
}

// addLock writes a lock file like the given one and has its owner wait for the
// gates.
func (w *world) addLock(owner int, like lockFile) *lockFile {
	w.nextID++
	l := &lockFile{id: int(w.nextID), ids: lockID(int(w.nextID)), owner: owner, host: like.host, group: like.group, members: like.members}
	for _, s := range w.svc {
		if l.covers(s) {
			l.members |= 1 << s.i
		}
	}
	w.locks = append(w.locks, l)
	w.tasks = append(w.tasks, &task{kind: taskLock, lock: l, actor: owner})
	w.tracef("lock %d of %s written on %s", l.id, people[owner], w.memberNames(l))
	w.changedBy(l)
	return l
}

func lockID(n int) string { return "L" + string(rune('A'+n%26)) + string(rune('a'+n/26%26)) }

func (w *world) memberNames(l *lockFile) (out []string) {
	if !w.traced {
		return nil
	}
	for _, s := range w.svc {
		if l.covers(s) {
			out = append(out, s.name)
		}
	}
	return out
}

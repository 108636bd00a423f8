package sim

import (
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

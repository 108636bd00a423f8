package sim

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

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
		l.ended, l.handing = true, t.accepts && w.has(bugAcceptWithGap)
		for _, s := range t.held {
			s.released = w.step
			if w.has(bugNoNewEpoch) || w.has(bugEpochAfterRemoval) {
				s.releasedAt = w.now
			}
		}
		w.tracef("lock %d removed", l.id)
	case 3:
		if w.has(bugEpochAfterRemoval) {
			t.dropGates()
			w.newEpochs(&task{held: w.svc})
		}
		w.changedBy(l)
		t.done = !l.handing
		t.dropGates()
	default:
		w.inherit(t)
		t.done = true
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
		case t.breaker || t.accepts || !last || running || t.force:
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
	if t.accepts && !w.has(bugAcceptWithGap) {
		w.inherit(t)
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

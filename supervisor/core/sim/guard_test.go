package sim

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// guard is other automation that asks first: cron, a deploy tool. Its command is an action like any other, made by no
// daemon: gates, a record, a look at the locks, and only then the effect.
func (w *world) guard(s *service) {
	w.tasks = append(w.tasks, &task{kind: taskGuard, svc: s, name: s.name, actor: -1, auto: true, act: core.Act{Verb: core.Exec, Automatic: true}})
}

// The steps of a guarded command.
const (
	guardBefore = iota
	guardGate
	guardRecord
	guardLook
	guardBegin
	guardWork // several moments
	guardEnd  = guardWork + 4
)

func (w *world) runGuard(t *task) bool {
	s := t.svc
	look := guardLook
	if w.has(bugGuardLooksFirst) { // what it saw is old when it has the gate
		look = guardBefore
	}
	if t.pc == look && w.guardHeld(s) {
		return t.giveUp()
	}
	switch t.pc {
	case guardGate:
		if !t.takeEX(s) {
			if t.waits++; t.waits > 200 {
				t.done = true
			}
			return false
		}
		t.gateAt, t.decided = w.step, w.step
	case guardRecord:
		if s.rec != nil && s.rec.alive(w) {
			return t.giveUp()
		}
		s.rec = &record{by: t, guard: t}
	case guardBegin, guardWork, guardWork + 1, guardWork + 2:
		w.effect(t, "guarded command")
	case guardEnd:
		return t.giveUp()
	}
	t.pc++
	return true
}

// giveUp ends a guarded command: its record goes, its gate opens.
func (t *task) giveUp() bool {
	if r := t.svc.rec; r != nil && r.guard == t {
		t.svc.rec = nil
	}
	t.done = true
	t.dropGates()
	return true
}

// guardHeld: nothing but a lock, or what cannot be read, keeps a guarded command back.
func (w *world) guardHeld(s *service) bool {
	return s.garbage || slices.ContainsFunc(w.locks, func(l *lockFile) bool { return w.gateCovers(l, s) })
}

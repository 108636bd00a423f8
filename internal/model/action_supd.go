package model

// supdSteps are supd's: one action after another, and what it does when it comes back.
func (r actionRules) supdSteps(s actionState, to step[actionState]) {
	decide := func(label string, verb, by uint8) {
		t := s
		t.supd, t.verb, t.by = atGate, verb, by
		to(label, t, "")
	}
	t := s
	switch s.supd {
	case atDead:
		t.supd = atRest
		if s.free() && s.rec != recBlank && s.rec != recTorn && !s.recAlive(&r) {
			t.tell()
		}
		to("supd starts, tells of what was interrupted", t, "")
	case atRest:
		if s.up == 0 && s.hold == 0 {
			decide("supd decides to start", 1, byAuto)
		}
		if s.up == 1 && s.faults.crash > 0 {
			s.faults.crash--
			decide("!a check fails, supd decides to restart", 3, byAuto)
			s.faults.crash++
		}
		if s.up == 1 && s.faults.people > 0 {
			s.faults.people--
			decide("!somebody asks supd to stop it", 2, byOperator)
			if s.person[0] == personLocked {
				decide("!the owner of lock 0 asks supd to stop it", 2, byOwner)
			}
			s.faults.people++
		}
		if s.up == 1 && s.hold == 1 {
			t.supd = atClear
			to("supd sees it up, wants to clear its holds", t, "")
		}
		if r.finish && s.rec == recTerm && s.anyLeft() && !s.helperLives() && s.recBoot == 0 {
			t := s
			t.supd = atFinish
			to("supd finds a stop that nobody finishes", t, "")
		}
	case atGate:
		if s.free() {
			t.gate, t.supd = 1, atChecks
			to("supd takes the gate", t, "")
		}
	case atChecks:
		r.checks(s, to)
	case atHold:
		t.hold, t.supd = 1, atEffect
		to("supd writes the operator stop", t, "")
	case atEffect:
		r.effects(s, to)
	case atHelper:
		switch {
		case s.helperLives():
		case s.work == workNone:
			t.supd = r.after(&s)
			to("supd sees its helper's work done", t, "")
		default:
			t.supd, t.worker, t.work = atSelf, 2, workMark // workFor is the order's still
			to("supd sees its helper killed, goes on itself", t, "")
		}
	case atSelf:
		if s.work == workNone {
			t.supd = r.after(&s)
			to("supd has done its helper's work", t, "")
		}
	case atWipe:
		if !(r.keepAlive && s.recAlive(&r)) {
			t.tell() // its own, and it is over
		} else {
			t.owed = 1
		}
		t.gate, t.supd = 0, atRest
		to("supd ends the action, unlocks", t, "")
	case atClear:
		if !s.free() {
			return
		}
		t.supd = atRest
		if !(r.clearAsks && (s.recAlive(&r) || s.rec == recTorn)) && !(r.clearLooks && s.up == 0) {
			t.hold = 0
			if s.up == 1 && s.asked != byOperator {
				t.meantDown = 0 // it came up by another hand
			}
		}
		to("supd clears holds under the gate, or leaves them", t, "")
	case atFinish:
		if !s.free() {
			return
		}
		t.supd = atRest
		if s.rec == recTerm && s.anyLeft() && s.recBoot == 0 {
			t.gate, t.supd, t.verb, t.by, t.owed = 1, atEffect, 2, s.recBy, 0
		}
		to("supd takes the gate to finish a stop", t, "")
	}
}

// after is where supd goes when its stop is over: it starts again, or that was all.
func (r actionRules) after(s *actionState) uint8 {
	if s.verb != 2 && !s.anyLeft() {
		return atEffect
	}
	return atWipe
}

// checks are what Do looks at with the gate in hand, before the record is written.
func (r actionRules) checks(s actionState, to step[actionState]) {
	t := s
	leave := func(label string) {
		if !r.ownOnly {
			t.rec, t.recHelper, t.recBoot, t.recBy = recBlank, 0, 0, 0
		}
		broken := ""
		if t.rec == recBlank && t.owed == 1 {
			broken = "TOLD: an interrupted action is forgotten before anybody was told"
		}
		t.gate, t.supd, t.verb, t.by = 0, atRest, 0, 0
		to(label, t, broken)
	}
	switch {
	case s.rec == recTorn:
		leave("supd cannot read the record: held")
	case s.recAlive(&r):
		leave("supd finds a living record, drops the action")
	case s.rec != recBlank && r.ownOnly:
		t.tell()
		leave("supd tells of a dead record, drops the action")
	case s.held(s.by):
		leave("supd finds it held, drops the action")
	case (s.verb == 1) == (s.up == 1):
		leave("supd looks again: nothing to do")
	default:
		if r.recordFirst {
			t.rec, t.recHelper, t.recBoot, t.recBy = recBegun, 0, 0, s.by
		}
		t.supd = atEffect
		if s.by == byOperator && r.holdFirst {
			t.supd = atHold
		}
		to("supd writes the record", t, "")
	}
}

// effects are the spawn of a start and the helper of a stop, which also ends what is left before a start.
func (r actionRules) effects(s actionState, to step[actionState]) {
	t := s
	if s.verb != 2 && !s.anyLeft() {
		broken := s.effect(s.by)
		if broken == "" && s.meantDown == 1 {
			broken = "HOLD: what somebody stopped is started by supd"
		}
		t.up, t.asked, t.killed, t.supd = 1, 0, 0, atWipe
		if t.rec == recStopped {
			t.rec = recBegun
		}
		to("supd starts the service", t, broken)
		return
	}
	t.gate |= 2
	t.recHelper, t.work, t.worker, t.supd = 1, workMark, 1, atHelper
	t.workFor, t.workThen = s.by, 0
	if s.verb != 2 {
		t.workThen = 1
	}
	if s.rec == recBlank {
		t.rec = recBegun
	}
	to("supd starts a helper, which inherits the gate", t, "")
}

package model

// workerSteps bring the process down, in a helper or in supd (hands.down).
func (r actionRules) workerSteps(s actionState, to step[actionState]) {
	if s.work == workNone || s.worker == 1 && !s.helperLives() || s.worker == 2 && s.supd != atSelf {
		return
	}
	t := s
	over := func(t *actionState) {
		t.work, t.workFor, t.workThen = workNone, 0, 0
		if t.worker == 1 {
			t.gate &^= 2
			if !r.helperExits {
				t.gate = 0
			}
		}
	}
	switch s.work {
	case workMark:
		if !r.oneWrite && s.rec != recTorn {
			t.rec = recTorn
			to("the stop is written down, first half", t, "")
			return
		}
		t.rec, t.work = recTerm, workTerm
		if !r.recordFirst {
			t.rec = recBegun
		}
		to("the stop is written down", t, "")
	case workTerm:
		t.work = workWait
		broken := ""
		if s.up == 1 {
			broken = s.effect(s.workFor)
			t.asked = s.workFor
			if s.workFor == byOperator {
				t.meantDown = 1
				if !r.holdFirst {
					t.hold = 1 // after the signal: whoever dies in between leaves none
				}
			}
		}
		if !r.holdFirst && s.workFor == byOperator && s.up == 1 {
			u := t
			u.hold = s.hold
			to("the signal is sent, the operator stop not written yet", u, broken)
		}
		to("the signal is sent", t, broken)
	case workWait:
		switch {
		case !s.anyLeft():
			t.work = workSettle
			to("the process is seen gone", t, "")
		case s.up == 0 && s.kidsAsked == 0:
			t.rec, t.kidsAsked = recTerm, s.workFor
			to("what it left behind is asked to go", t, s.effect(s.workFor))
		case s.killed == 0:
			t.killed, t.asked = 1, s.up*s.workFor
			t.kidsAsked = s.kids * s.workFor
			to("time is up: SIGKILL", t, s.effect(s.workFor))
		case s.stuck == 1: // killWait is over: said to be alive still
			over(&t)
			to("SIGKILL has no effect either: given up", t, "")
		}
	case workSettle:
		t.rec, t.recHelper = recDone, 0
		if s.workThen == 1 {
			t.rec = recStopped
		}
		over(&t)
		to("the stop is done, says the record", t, "")
	}
}

// worldSteps are what happens by itself, and what goes wrong.
func (r actionRules) worldSteps(s actionState, to step[actionState]) {
	if s.up == 1 && s.asked != 0 && s.stuck == 0 && (s.deaf == 0 || s.killed == 1) {
		t := s
		t.up, t.asked = 0, 0
		if s.kids == 0 {
			t.killed = 0
		}
		to("the process ends by what it was sent", t, s.effect(s.asked))
	}
	if s.kids == 1 && s.kidsAsked != 0 && (s.deaf == 0 || s.killed == 1) {
		t := s
		t.kids, t.kidsAsked = 0, 0
		if s.up == 0 {
			t.killed = 0
		}
		to("what it left behind ends by what it was sent", t, s.effect(s.kidsAsked))
	}
	if s.stuck == 1 && s.killed == 1 {
		t := s
		t.stuck = 0
		to("the process comes out of the kernel", t, "")
	}
	if s.up == 0 && s.meantDown == 1 && s.faults.people > 0 {
		t := s
		t.faults.people--
		t.up, t.asked, t.killed, t.meantDown = 1, 0, 0, 0
		to("!a stranger starts it", t, "")
	}
	if s.supd != atDead && s.faults.supd > 0 {
		t := s
		t.faults.supd--
		t.gate &^= 1
		if t.work != workNone && t.worker == 2 {
			t.idle()
		}
		t.supd, t.verb, t.by = atDead, 0, 0
		if s.supd != atRest && s.supd != atGate && s.supd != atChecks && s.supd != atClear {
			t.cut()
		}
		to("!kill -9 supd", t, "")
	}
	if s.helperLives() && s.faults.helper > 0 {
		t := s
		t.faults.helper--
		t.gate &^= 2
		if s.supd != atHelper { // supd is dead, or a new one
			t.idle()
			t.cut()
		}
		to("!kill -9 the helper", t, "")
	}
	if s.faults.power > 0 {
		r.powerLoss(s, to)
	}
}

// powerLoss ends everything; records are not fsynced, so what they say then may be old, new, or torn.
func (r actionRules) powerLoss(s actionState, to step[actionState]) {
	t := s
	t.faults.power--
	t.up, t.asked, t.killed, t.gate = 0, 0, 0, 0
	t.kids, t.kidsAsked = 0, 0
	t.idle()
	t.supd, t.verb, t.by, t.recBoot = atDead, 0, 0, 1
	for i, p := range s.person {
		if p == personWritten || p == personWaits || p == personEnds {
			t.person[i] = personGone
		}
	}
	t.owed = 0 // everything was interrupted, and everybody knows
	to("!power loss, the record is there", t, "")
	if !r.oneSector && s.rec != recBlank {
		u := t
		u.rec = recTorn
		to("!power loss tears the record", u, "")
	}
	t.rec, t.recHelper, t.recBoot, t.recBy = recBlank, 0, 0, 0
	to("!power loss, the record is blank", t, "")
}

// personSteps lock, wait, work and end.
func (r actionRules) personSteps(s actionState, i int, to step[actionState]) {
	t := s
	me := uint8(1) << i
	who := "person " + string(rune('0'+i)) + ": "
	switch s.person[i] {
	case personOut:
		t.person[i] = personWritten
		to(who+"lock file durable", t, "")
	case personWritten:
		if !s.free() || s.rec == recTorn {
			return
		}
		// Under the shared gate nobody writes the record, so the look is one step.
		switch {
		case s.recAlive(&r):
			t.person[i] = personWaits
			to(who+"finds a living record, lets go of the gate, waits", t, "")
			return
		case s.rec != recBlank:
			t.tell()
		}
		broken := ""
		if t.owed == 1 {
			broken = "TOLD: an interrupted action is forgotten before anybody was told"
		}
		t.person[i], t.promised = personLocked, s.promised|me
		to(who+"LOCKED", t, broken)
	case personWaits:
		if !s.recAlive(&r) {
			t.person[i] = personWritten
			to(who+"what it waited for is gone", t, "")
		}
	case personLocked:
		t.person[i], t.promised = personEnds, s.promised&^me
		to(who+"end begins", t, "")
	case personEnds:
		if !s.free() || s.rec == recTorn {
			return
		}
		if s.recAlive(&r) { // in flight: the lock stays, and stays promised from when the wait is over
			t.person[i] = personWaits
			to(who+"end finds a living record, the lock stays", t, "")
			return
		}
		if s.rec != recBlank {
			t.tell()
		}
		t.person[i] = personGone
		to(who+"the lock is moved to ended/", t, "")
	}
}

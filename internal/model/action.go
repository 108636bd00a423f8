package model

// actionRules are the rules of an action and its record, as lockfile and internal/hands have them. All true is what is built.
type actionRules struct {
	recordFirst    bool // the record says what is about to happen before it happens
	oneWrite       bool // a record is replaced by one write of one block, so that a kill leaves the old text or the new
	oneSector      bool // ... and has one sector, so that a power loss does, too
	ownOnly        bool // only the action that wrote a record, or who tells of it, blanks it
	waitForTarget  bool // a record whose target was signalled is alive for as long as the target is
	waitForTree    bool // ... and for as long as anything that the target left behind is
	helperExits    bool // a helper never unlocks, it exits
	finish         bool // the next supd finishes a stop whose helper and supd were both killed
	clearAsks      bool // holds of a service that is up are not cleared while a record is alive
	clearLooks     bool // ... and only if it still is up, asked inside the gate
	keepAlive      bool // an action that gave up on a target leaves its record, so that locks wait for it
	holdFirst      bool // the operator stop is on disk before the signal
	otherBootsDead bool // a record of another boot is dead
}

func actionAsBuilt() actionRules {
	return actionRules{true, true, true, true, true, true, true, true, true, true, true, true, true}
}

// actionFaults bound how often what goes wrong.
type actionFaults struct{ supd, helper, power, crash, people uint8 }

// Phases of a record in the model.
const (
	recBlank = iota
	recBegun
	recTerm // signalled, or about to be
	recStopped
	recDone
	recTorn // half of one text, half of another: it cannot be read
)

// Who asks for an action.
const (
	byAuto = 1 + iota
	byOperator
	byOwner // the person who holds lock 0
)

// Where supd is.
const (
	atRest = iota
	atGate
	atChecks
	atHold
	atEffect
	atHelper
	atSelf // finishing what its killed helper began
	atWipe
	atClear // wants to clear holds
	atFinish
	atDead
)

// Where the worker of a stop is, in a helper or in supd itself.
const (
	workNone = iota
	workMark
	workTerm
	workWait
	workSettle
)

// Where a person is.
const (
	personOut = iota
	personWritten
	personWaits // for what a living record names
	personLocked
	personEnds
	personGone
)

// actionState is all of it at one moment.
type actionState struct {
	// the service's process
	up, deaf, stuck uint8 // deaf: ignores the signal to stop; stuck: in the kernel, SIGKILL has no effect yet
	asked           uint8 // who sent it the signal or SIGKILL that is under way
	killed          uint8
	// what it forked, which outlives it
	kids, kidsAsked uint8

	supd, verb, by uint8 // verb: 1 start, 2 stop, 3 restart
	gate           uint8 // who has the exclusive gate's description: 1 supd, 2 helper
	work, worker   uint8 // worker: 1 helper, 2 supd
	workFor        uint8 // who asked for what the worker does
	workThen       uint8 // a start follows

	rec, recHelper, recBoot uint8
	recBy                   uint8
	owed                    uint8 // the record is of an action that was interrupted and not told of
	hold, meantDown         uint8
	person                  [2]uint8
	promised                uint8 // persons who were told LOCKED, as bits

	faults actionFaults
}

// idle: nobody works on a stop.
func (s *actionState) idle() { s.work, s.worker, s.workFor, s.workThen = workNone, 0, 0, 0 }

func (s *actionState) helperLives() bool { return s.gate&2 != 0 }

// recAlive is lockfile's Dir.alive.
func (s *actionState) recAlive(r *actionRules) bool {
	if s.recBoot == 1 && r.otherBootsDead {
		return false
	}
	switch s.rec {
	case recBegun, recTerm, recStopped:
		return s.recHelper == 1 && s.helperLives() || s.rec == recTerm && (s.up == 1 && r.waitForTarget || s.kids == 1 && r.waitForTree)
	}
	return false
}

// tell reports what a record says and blanks it.
func (s *actionState) tell() { s.owed, s.rec, s.recHelper, s.recBoot, s.recBy = 0, recBlank, 0, 0, 0 }

// held is whether a lock or hold covers the service for an action of this kind.
func (s *actionState) held(by uint8) bool {
	for i, p := range s.person {
		if p >= personWritten && p <= personEnds && !(by == byOwner && i == 0) {
			return true
		}
	}
	return s.hold == 1 && by == byAuto
}

// effect names the promise that an effect asked for by somebody breaks now.
func (s *actionState) effect(by uint8) string {
	for i := range s.person {
		if s.promised>>i&1 == 1 && !(by == byOwner && i == 0) {
			return "L1: something acts under a lock"
		}
	}
	return ""
}

// free says whether the gate can be had. Who has it shared only looks, in one step.
func (s *actionState) free() bool { return s.gate == 0 }

// cut marks an action as interrupted if nobody is left to go on with it.
func (s *actionState) cut() {
	if !s.helperLives() && s.rec != recBlank && s.rec != recDone && s.rec != recTorn {
		s.owed = 1
	}
}

// anyLeft: the process, or something that it forked, lives.
func (s *actionState) anyLeft() bool { return s.up == 1 || s.kids == 1 }

// exploreAction runs the model, with processes that ignore the signal, are stuck in the kernel, or have forked others.
func exploreAction(r actionRules, f actionFaults, progress bool, until string) Outcome {
	m := machine[actionState]{until: until, broken: func(actionState) string { return "" }}
	for _, odd := range [][3]uint8{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 1}} {
		m.begin = append(m.begin, actionState{up: 1, deaf: odd[0], stuck: odd[1], kids: odd[2], faults: f})
	}
	m.next = func(s actionState, to step[actionState]) {
		r.supdSteps(s, to)
		r.workerSteps(s, to)
		r.worldSteps(s, to)
		for i := range s.person {
			r.personSteps(s, i, to)
		}
	}
	if progress {
		m.calm = func(s actionState) bool {
			for _, p := range s.person {
				if p == personWritten || p == personWaits || p == personEnds {
					return false
				}
			}
			return s.supd == atRest && !s.helperLives() && (s.up == 1 || s.held(byAuto))
		}
	}
	return explore(m)
}

package model

// epochRules are the rules of epochs and observations, as lockfile has them. All true is what is built.
type epochRules struct {
	epochFirst bool // an observation reads the epoch before the locks
	newFirst   bool // a release writes the new epoch before the lock goes
	epochAsked bool // the gate drops a decision whose epoch is gone
	cleanAsked bool // ... and one that was made under a lock
	carryOne   bool // what is no release carries the time to settle on, for one service ...
	carryMany  bool // ... and for several written at once
	onlyMarked bool // only an epoch that a release wrote makes a time to settle
	undoAsks   bool // a lock that somebody may have relied on is not taken back
}

func epochAsBuilt() epochRules {
	return epochRules{true, true, true, true, true, true, true, true}
}

// services of the epoch model: what is done to both is written in one go, one rename each.
const services = 2

// Where an observation and its action are.
const (
	looks = iota
	looksLocks
	looksProcess
	decides
	acts
)

// What a person does.
const (
	quiet     = iota
	holding   // has a lock on both services
	ending    // has the gates, the verdict is true
	endMarked // new epochs written, for so many services as done says
	removed
	undoing // takes back a lock that nobody was promised
	clearing
	finished
)

// epochState is one moment: an epoch is a number, and whether it makes a time to settle.
type epochState struct {
	epoch, settle [services]uint8 // settle: the mark on disk, until its time has passed
	truly         [services]uint8 // the time since somebody's release has not passed
	since         [services]uint8 // a release came since supd read the locks; it looks at the process only then
	locked        uint8           // locks, as bits of persons: each on both services
	hold          uint8           // on the first service

	at, service               uint8 // supd: one service at a time
	readEpoch, clean, waiting uint8
	gate                      uint8 // 0 free, 1 supd's, 2 and up a person's

	person, done [3]uint8        // the first locks and ends, the second takes back, the third clears a hold
	before       [services]uint8 // epochs when the second person's lock was written
	kills        uint8
}

// takesBack marks an undo in done, beside the number of epochs written.
const takesBack = 4

func exploreEpoch(r epochRules, kills uint8, until string) Outcome {
	m := machine[epochState]{until: until, broken: func(epochState) string { return "" }}
	m.begin = []epochState{{kills: kills}, {kills: kills, hold: 1}}
	m.next = func(s epochState, to step[epochState]) {
		r.supdSteps(s, to)
		for i := range s.person {
			r.personSteps(s, i, to)
		}
		if !s.releasing() && (s.settle != [services]uint8{} || s.truly != [services]uint8{}) {
			t := s
			t.settle, t.truly, t.waiting = [services]uint8{}, [services]uint8{}, 0
			to("the time to settle passes", t, "")
		}
	}
	return explore(m)
}

// releasing: somebody is between a new epoch and what it is for. The time to settle counts from the epoch, which is a few system
// calls earlier; that it passes in between is left out.
func (s *epochState) releasing() bool {
	for i, p := range s.person {
		if p == endMarked || p == removed || p == ending && s.done[i] != 0 {
			return true
		}
	}
	return false
}

// supdSteps look at a service, decide, and act through the gate.
func (r epochRules) supdSteps(s epochState, to step[epochState]) {
	t := s
	readLocks := func() {
		t.clean, t.since[s.service] = 0, 0
		if s.locked == 0 && !(s.service == 0 && s.hold == 1) {
			t.clean = 1
		}
	}
	readEpoch := func() { t.readEpoch, t.waiting = s.epoch[s.service], s.settle[s.service] }
	switch s.at {
	case looks:
		for x := range uint8(services) {
			u := s
			t = s
			t.service, t.at = x, looksLocks
			s.service = x
			if r.epochFirst {
				readEpoch()
				to("supd reads the epoch", t, "")
			} else {
				readLocks()
				to("supd reads the locks", t, "")
			}
			s = u
		}
	case looksLocks:
		t.at = looksProcess
		if r.epochFirst {
			readLocks()
			to("supd reads the locks", t, "")
		} else {
			readEpoch()
			to("supd reads the epoch", t, "")
		}
	case looksProcess:
		switch {
		case s.waiting == 1 && s.clean == 1:
			broken := ""
			if s.truly[s.service] == 0 && s.settle[s.service] == 1 {
				broken = "DELAY: supd waits for something to settle that was not released"
			}
			t.at = looks
			to("supd looks at the process: waits until it has settled", t, broken)
		default:
			t.at = decides
			to("supd looks at the process, decides", t, "")
		}
	case decides:
		if s.gate != 0 {
			return
		}
		t.gate, t.at = 1, acts
		to("supd takes the gate", t, "")
	case acts:
		t.gate, t.at = 0, looks
		x := s.service
		t.clean, t.readEpoch, t.waiting, t.service = 0, 0, 0, 0
		switch {
		case s.locked != 0 || x == 0 && s.hold == 1:
			to("supd finds it held", t, "")
		case r.epochAsked && s.epoch[x] != s.readEpoch, r.cleanAsked && s.clean == 0:
			to("supd drops a stale decision", t, "")
		case s.since[x] == 1:
			to("supd acts", t, "L6: supd acts on what it saw before a release")
		case s.truly[x] == 1:
			to("supd acts", t, "SETTLE: supd acts in the time to settle")
		default:
			to("supd acts", t, "")
		}
	}
}

// write gives a service a new epoch.
func (r epochRules) write(s *epochState, x int, release, many bool) {
	s.epoch[x]++
	switch {
	case release:
		s.settle[x] = 1
	case !r.onlyMarked:
		s.settle[x] = 1
	case many && !r.carryMany, !many && !r.carryOne:
		s.settle[x] = 0
	}
}

// personSteps are the three of them. Kills are where an end or undo is cut in the middle; the lock stands then.
func (r epochRules) personSteps(s epochState, i int, to step[epochState]) {
	t := s
	q, me := &t.person[i], uint8(1)<<i
	who := "person " + string(rune('0'+i)) + ": "
	if s.kills > 0 && s.person[i] >= ending && s.person[i] < finished {
		u := s
		u.kills--
		if u.gate == uint8(i)+2 {
			u.gate = 0
		}
		u.person[i], u.done[i] = holding, 0
		if s.locked&me == 0 {
			u.person[i] = finished
		}
		to("!"+who+"killed", u, "")
	}
	switch s.person[i] {
	case quiet:
		if i == 2 {
			if s.hold == 1 && s.gate == 0 {
				t.gate, *q = 4, clearing
				to(who+"takes the gate to clear the hold", t, "")
			}
			return
		}
		t.locked |= me
		*q = holding
		to(who+"lock durable", t, "")
		if i == 1 {
			*q, t.before = undoing, s.epoch
			to(who+"lock durable, its next target fails", t, "")
		}
	case holding, undoing:
		if s.gate != 0 {
			return
		}
		*q = ending
		t.gate = uint8(i) + 2
		if s.person[i] == undoing {
			t.done[i] = takesBack
			if r.undoAsks && s.epoch != s.before {
				*q, t.gate = finished, s.gate
				to(who+"somebody released since: the lock stays", t, "")
				return
			}
		}
		if !r.newFirst {
			*q = removed
			t.lift(me, s.person[i] == holding)
		}
		to(who+"has the gates", t, "")
	case ending, endMarked:
		x := int(s.done[i] &^ takesBack)
		r.write(&t, x, s.done[i]&takesBack == 0, true)
		*q = endMarked
		if t.done[i]++; x+1 == services {
			*q = removed
			if !r.newFirst {
				t.gate, *q = 0, finished
			}
		}
		to(who+"new epoch of one service", t, "")
	case removed:
		if !r.newFirst {
			*q = ending
			to(who+"lock gone, now the epochs", t, "")
			return
		}
		t.lift(me, s.done[i]&takesBack == 0)
		t.gate, *q = 0, finished
		to(who+"lock moved to ended/, gates open", t, "")
	case clearing:
		if s.done[i] == 0 {
			r.write(&t, 0, false, false)
			t.done[i] = 1
			to(who+"new epoch", t, "")
			return
		}
		t.hold, t.gate, *q = 0, 0, finished
		to(who+"hold unlinked, gate open", t, "")
	}
}

// lift takes a lock away. Every end begins the time to settle, also where somebody else locks at that moment.
func (s *epochState) lift(me uint8, release bool) {
	s.locked &^= me
	for x := range s.since {
		if s.locked == 0 {
			s.since[x] = 1
		}
		if release {
			s.truly[x] = 1
		}
	}
}

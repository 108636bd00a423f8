package model

import "fmt"

// fileRules are the rules of a lock with a copy, as lockfile has them. All true is what is built.
type fileRules struct {
	copies      bool // a member's directory has a copy: an action on the member looks there only
	voidCopies  bool // a file whose id is in ended/ is no lock, wherever it stands
	gates       bool // every removal and replacement is under all gates of the lock
	syncCopies  bool // the copy's directory and its parents are fsynced before the wait at the gates
	syncEnded   bool // ended/ is fsynced before the home directory, and both before the end returns
	stillMine   bool // a lock looks, at each gate, whether it still stands
	lean        bool // an end that leans on another lock fsyncs that lock's directories first
	endedBefore bool // a start refuses an id that has ended, before its file is made ...
	endedAfter  bool // ... and takes its file away again if the id has ended meanwhile
	undoAsks    bool // a lock that is taken back stays if somebody released in between, relying on it
	successor   bool // break writes the new lock, with its copy, before the old one goes
	offerAsked  bool // an accept looks for the offer inside the gates
	offerCount  bool // an offer, or its withdrawal, says which offer it has seen, and is void if there was another since
	offerSync   bool // a withdrawal is fsynced before it returns
	dirtyLists  bool // (of the world) a list may miss entries made while it is read
}

func filesAsBuilt() fileRules {
	return fileRules{true, true, true, true, true, true, true, true, true, true, true, true, true, true, true}
}

// fileScene is who takes part, and how often what goes wrong.
type fileScene struct{ second, breaker, late, rewrite, undo, power, kill, supd, offers, heir uint8 }

// Locks by index: A's, B's, and the one with which C breaks or accepts A's.
const (
	lockA = iota
	lockB
	lockC
	locks
)

// entry is a directory entry: what is seen, what a power loss cannot take back, and whether it was made during the list being read.
type entry struct{ seen, kept, young uint8 }

// lockFiles are the places of one lock.
type lockFiles struct{ home, twin, ended entry }

// actor is one program run: supctl of A, B, C, or a request that a hung supd works off late.
// leaned has a bit for each service for which an end relies on another lock.
type actor struct{ pc, lock, promised, leaned, began uint8 }

// Actors.
const (
	actorA = iota
	actorB
	actorC
	lateStart
	lateEnd
	lateOffer
	actors
)

// Where an actor is. Each is one system call, or what the gates make one.
const (
	outside = iota
	startEnded
	startMake
	startSync
	startEndedAgain
	startCopy
	startSyncCopy
	startGates
	working
	endGates
	endSyncOthers
	endMove
	endSyncEnded
	endSyncHome
	endCopies
	over
	breakGates
	breakMake
	breakSync
	breakCopy
	breakSyncCopy
	rewriteHome
	rewriteCopy
	rewriteSync
	undoGates
	offerGates
	acceptGates
	killed
)

// filesState is the disk, the gates and everybody at one moment. Two services: the lock's own, whose directory is home, and one
// that shares its identity, whose directory has the copy. An action on the second reads the second directory only.
type filesState struct {
	f        [locks]lockFiles
	twinDir  entry // the copy's directory itself
	a        [actors]actor
	gate     uint8 // who has both gates, plus one; supd's action has one of them
	reader   uint8 // supd's action: 0 none, 1 on the lock's service, 2 on the member
	at, met  uint8 // how far its list is, whether it met a lock
	backward uint8 // directories have no order: 0 one way, 1 the other
	releases uint8 // epochs written
	relied   uint8 // bit for each service whose last release relied on a lock instead of a verdict
	handover uint8 // a break is under way: somebody has to hold it throughout
	returned uint8 // locks whose end returned 0, as bits
	withheld uint8 // A was told that the lock is offered to nobody any more
	scene    fileScene
}

func (s *filesState) entryOf(lock, place uint8) *entry {
	if place == 1 {
		return &s.f[lock].home
	}
	return &s.f[lock].twin
}

// counts says whether a lock's file in a directory is a lock to a reader.
func (r fileRules) counts(s *filesState, lock, place uint8) bool {
	return s.entryOf(lock, place).seen != 0 && !(r.voidCopies && s.f[lock].ended.seen == 1)
}

func (s *filesState) promised() bool {
	return s.a[actorA].promised|s.a[actorB].promised|s.a[actorC].promised == 1
}

func exploreFiles(r fileRules, scene fileScene, progress bool, until string) Outcome {
	m := machine[filesState]{until: until, broken: r.broken}
	for back := range uint8(2) {
		m.begin = append(m.begin, filesState{backward: back, scene: scene})
	}
	m.next = func(s filesState, to step[filesState]) {
		r.readerSteps(s, to)
		for i := range uint8(actors) {
			r.actorSteps(s, i, to)
		}
		r.faultSteps(s, to)
	}
	if progress {
		m.calm = func(s filesState) bool {
			for _, a := range s.a {
				if a.pc != outside && a.pc != working && a.pc != over && a.pc != killed {
					return false
				}
			}
			return s.reader == 0 && s.gate == 0
		}
	}
	return explore(m)
}

// broken is judged in each state.
func (r fileRules) broken(s filesState) string {
	for i := range uint8(lateStart) {
		if a := s.a[i]; a.pc == working && a.promised == 1 {
			f := s.f[a.lock]
			if f.home.seen == 0 || f.ended.seen == 1 {
				return "L2: LOCKED, and the lock is not there"
			}
			if f.home.kept == 0 || r.copies && (f.twin.kept == 0 || s.twinDir.kept == 0) {
				return "L2: LOCKED, and a power loss would take it"
			}
		}
	}
	quiet := s.a[lateStart].pc == outside || s.a[lateStart].pc == over || s.a[lateStart].pc == killed
	if quiet && s.returned&(1<<lockA) != 0 && (r.counts(&s, lockA, 1) || r.counts(&s, lockA, 2)) {
		return "GHOST: a lock stands that its owner has ended"
	}
	return ""
}

// readerSteps are supd's automatic action on either service: gate, list, effect.
func (r fileRules) readerSteps(s filesState, to step[filesState]) {
	t := s
	switch {
	case s.reader == 0:
		if s.gate != 0 {
			return
		}
		for place := uint8(1); place <= 2; place++ {
			t := s
			t.reader, t.at, t.met = place, 0, 0
			for i := range t.f {
				t.f[i].home.young, t.f[i].twin.young = 0, 0
			}
			to(fmt.Sprintf("supd takes the gate of service %d, begins to list", place), t, "")
		}
	case s.at < locks:
		lock := s.at
		if s.backward == 1 {
			lock = locks - 1 - s.at
		}
		t.at++
		e := s.entryOf(lock, s.reader)
		if e.young == 1 && r.dirtyLists && e.seen != 0 {
			to(fmt.Sprintf("the list misses the new entry of lock %d", lock), t, "")
		}
		if r.counts(&s, lock, s.reader) {
			t.met = 1
		}
		to(fmt.Sprintf("supd looks at lock %d", lock), t, "")
	default:
		t.reader, t.at, t.met = 0, 0, 0
		switch {
		case s.met == 1:
			to("supd finds it held", t, "")
		case s.promised():
			to("supd acts", t, "L1: supd acts under a lock")
		case s.handover == 1:
			to("supd acts", t, "GAP: supd acts between a broken lock and its successor")
		case s.relied&s.reader != 0:
			to("supd acts", t, "L6: released by nobody's verdict: an end relied on a lock that is gone")
		default:
			to("supd acts", t, "")
		}
	}
}

// faultSteps are kills of supd and power losses; a kill of a supctl is with its steps.
func (r fileRules) faultSteps(s filesState, to step[filesState]) {
	if s.scene.supd > 0 && (s.reader != 0 || s.a[lateStart].pc != outside || s.a[lateEnd].pc != outside || s.a[lateOffer].pc != outside) {
		t := s
		t.scene.supd--
		t.reader, t.at, t.met = 0, 0, 0
		for _, i := range []uint8{lateStart, lateEnd, lateOffer} {
			t.stop(i)
		}
		to("!kill -9 supd", t, "")
	}
	if s.scene.power > 0 {
		r.powerLoss(s, to)
	}
}

// stop ends an actor where it is.
func (s *filesState) stop(i uint8) {
	if pc := s.a[i].pc; pc == outside || pc == over || pc == killed {
		return
	}
	if s.gate == i+1 {
		s.gate = 0
	}
	s.a[i] = actor{pc: killed}
}

// powerLoss keeps any subset of what was not fsynced.
func (r fileRules) powerLoss(s filesState, to step[filesState]) {
	t := s
	t.scene.power--
	t.reader, t.at, t.met = 0, 0, 0
	for i := range uint8(actors) {
		if t.a[i].pc != working {
			t.stop(i)
		}
	}
	outs := []filesState{t}
	either := func(of func(*filesState) *entry) {
		for _, o := range outs {
			if e := of(&o); e.seen != e.kept {
				e.seen = e.kept
				outs = append(outs, o)
			}
		}
	}
	for i := range t.f {
		either(func(s *filesState) *entry { return &s.f[i].home })
		either(func(s *filesState) *entry { return &s.f[i].twin })
		either(func(s *filesState) *entry { return &s.f[i].ended })
	}
	either(func(s *filesState) *entry { return &s.twinDir })
	for _, o := range outs {
		for i := range o.f {
			if o.twinDir.seen == 0 {
				o.f[i].twin.seen = 0
			}
			for _, e := range []*entry{&o.f[i].home, &o.f[i].twin, &o.f[i].ended} {
				e.kept, e.young = e.seen, 0
			}
		}
		o.twinDir.kept = o.twinDir.seen
		to("!power loss", o, "")
	}
}

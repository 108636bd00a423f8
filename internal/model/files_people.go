package model

import "fmt"

var actorNames = [actors]string{"A", "B", "C", "late start of A", "late end of A", "late transfer of A"}

// actorSteps are one supctl, or a request of A's that supd works off late, step by step as the code has them.
func (r fileRules) actorSteps(s filesState, i uint8, to step[filesState]) {
	a, t := s.a[i], s
	q := &t.a[i]
	f, tf := &s.f[a.lock], &t.f[a.lock]
	say := func(what string) { to(actorNames[i]+": "+what, t, "") }
	client := i < lateStart
	if client && s.scene.kill > 0 && a.pc != outside && a.pc != working && a.pc != over && a.pc != killed {
		u := s
		u.scene.kill--
		u.stop(i)
		to("!kill -9 supctl of "+actorNames[i], u, "")
	}
	free := s.gate == 0 && s.reader == 0
	leave := func(pc uint8) {
		if t.gate == i+1 {
			t.gate = 0
		}
		*q = actor{pc: pc}
		if pc == working {
			*q = a
			q.pc = pc
		}
	}
	switch a.pc {
	case outside:
		r.enters(s, i, to)
	case startEnded:
		if r.endedBefore && f.ended.seen == 1 {
			leave(over)
			say("its id has ended, refused")
			return
		}
		q.pc = startMake
		say("its id has not ended")
	case startMake:
		if f.home.seen == 0 {
			tf.home.seen, tf.home.young = 1, 1
		}
		q.pc = startSync
		say("lock file renamed into place, or found there")
	case startSync:
		t.syncHomes()
		q.pc = startEndedAgain
		say("fsync of the home directory and its parents")
	case startEndedAgain:
		if r.endedAfter && f.ended.seen == 1 {
			tf.home.seen = 0
			leave(over)
			say("its id has ended meanwhile, takes the file away")
			return
		}
		q.pc = startCopy
		say("its id still has not ended")
	case startCopy:
		if f.home.seen == 0 {
			leave(over)
			say("nothing to hang a copy from: gives up")
			return
		}
		if r.copies && f.twin.seen == 0 {
			tf.twin.seen, tf.twin.young, t.twinDir.seen = f.home.seen, 1, 1
		}
		q.pc = startSyncCopy
		say("copy linked into the member's directory, or found there")
	case startSyncCopy:
		if r.syncCopies {
			t.syncTwins()
		}
		t.syncHomes()
		q.pc = startGates
		if i == lateStart {
			q.pc = over
			*q = actor{pc: over}
		} else if i == actorA && s.scene.undo > 0 {
			u := t
			u.scene.undo--
			u.a[i].pc = undoGates
			to("!A: the next target fails: takes the lock back", u, "")
		}
		say("fsync of the member's directory")
	case startGates:
		if !free {
			return
		}
		if r.stillMine && (f.home.seen == 0 || f.ended.seen == 1) {
			leave(over)
			say("broken while it waited")
			return
		}
		q.pc, q.promised, q.began = working, 1, 0
		if i == actorC {
			t.handover = 0
		}
		say("waited at both gates: LOCKED")
	case working:
		r.works(s, i, to)
	case endGates, rewriteHome, breakGates, undoGates, offerGates, acceptGates:
		r.takesGates(s, i, free, to)
	case endSyncOthers:
		if r.lean && a.leaned != 0 {
			t.syncHomes()
			t.syncTwins()
		}
		t.releases = min(t.releases+1, 3)
		q.pc = endMove
		say("others' directories fsynced where it leans on them, new epoch")
	case endMove:
		tf.ended.seen = 1
		if f.home.seen != 0 {
			tf.home.seen = 0
		} else {
			tf.twin.seen = 0 // all that is left after a power loss in an earlier end
		}
		t.relied = a.leaned
		q.pc = endSyncEnded
		if i == actorC && a.lock == lockA { // handed over, not released; C's own end is judged like any other
			t.relied = s.relied
		}
		say("moved to ended/")
	case endSyncEnded:
		if r.syncEnded {
			tf.ended.kept = tf.ended.seen
		}
		q.pc = endSyncHome
		say("fsync of ended/")
	case endSyncHome:
		if r.syncEnded {
			t.syncHomes()
			if f.twin.seen == 0 {
				t.syncTwins()
			}
		}
		q.pc = endCopies
		say("fsync of the home directory")
	case endCopies:
		tf.twin.seen = 0
		t.gate = 0
		if i == actorC && a.lock == lockA { // the break's own lock waits at the gates now
			*q = actor{pc: startGates, lock: lockC}
			say("old copy unlinked, gates open")
			return
		}
		t.returned |= 1 << a.lock
		*q = actor{pc: over}
		say("copy unlinked, gates open, exit 0")
	case breakMake:
		t.f[lockC].home.seen, t.f[lockC].home.young = 1, 1
		q.pc = breakSync
		say("successor renamed into place")
	case breakSync:
		t.syncHomes()
		q.pc = breakCopy
		say("successor's directory fsynced")
	case breakCopy:
		if r.copies {
			t.f[lockC].twin.seen, t.f[lockC].twin.young, t.twinDir.seen = 1, 1, 1
		}
		q.pc = breakSyncCopy
		say("successor's copy linked")
	case breakSyncCopy:
		t.syncHomes()
		if r.syncCopies {
			t.syncTwins()
		}
		t.releases = min(t.releases+1, 3)
		q.pc = endMove
		say("successor's copy fsynced, new epoch")
	case rewriteCopy:
		if f.twin.seen != 0 {
			tf.twin.seen = f.home.seen
		}
		q.pc = rewriteSync
		say("copy replaced by the rewritten file")
	case rewriteSync:
		if r.offerSync || offers(f.home.seen) == 0 || offered(f.home.seen) {
			t.syncHomes()
			t.syncTwins()
		}
		if client && offers(f.home.seen) > 0 && !offered(f.home.seen) {
			t.withheld = 1
		}
		leave(working)
		if i == lateOffer {
			*q = actor{pc: over}
		}
		say("rewrite fsynced, gates open")
	}
}

func (s *filesState) syncHomes() {
	for i := range s.f {
		s.f[i].home.kept = s.f[i].home.seen
	}
}

// syncTwins fsyncs the member's directory and its parents.
func (s *filesState) syncTwins() {
	for i := range s.f {
		s.f[i].twin.kept = s.f[i].twin.seen
	}
	s.twinDir.kept = s.twinDir.seen
}

// enters is how each actor comes into play.
func (r fileRules) enters(s filesState, i uint8, to step[filesState]) {
	t := s
	begin := func(pc, lock uint8, label string) {
		t.a[i] = actor{pc: pc, lock: lock, began: s.releases}
		to(actorNames[i]+": "+label, t, "")
	}
	switch i {
	case actorA:
		begin(startEnded, lockA, "start")
		if s.scene.late > 0 {
			t.scene.late--
			t.a[lateStart] = actor{pc: startEnded, lock: lockA}
			begin(startEnded, lockA, "start; supd hangs, and will execute it late")
		}
	case actorB:
		if s.scene.second > 0 {
			begin(startEnded, lockB, "start")
		}
	case actorC:
		if s.scene.breaker > 0 && s.f[lockA].home.seen != 0 && s.f[lockA].ended.seen == 0 {
			begin(breakGates, lockA, "break of A's lock")
		}
		if s.scene.heir > 0 && offered(s.f[lockA].home.seen) && s.f[lockA].ended.seen == 0 {
			begin(acceptGates, lockA, "accept of A's lock")
		}
	}
}

// works is what the holder of a lock does next.
func (r fileRules) works(s filesState, i uint8, to step[filesState]) {
	if i == actorA && s.scene.rewrite > 0 {
		t := s
		t.scene.rewrite--
		t.a[i].pc = rewriteHome
		to("A: the same command again, with other words", t, "")
	}
	if i == actorA && s.scene.offers > 0 {
		transfers(s, to)
	}
	t := s
	t.a[i].pc, t.a[i].promised = endGates, 0
	if i == actorA && s.scene.late > 0 {
		u := t
		u.scene.late--
		u.a[lateEnd] = actor{pc: endGates, lock: lockA}
		to("A: end; supd hangs, and will execute it late", u, "")
	}
	to(actorNames[i]+": end", t, "")
}

// takesGates is what is looked at with all gates in hand, one step each: nobody else changes a lock then, only new ones appear.
func (r fileRules) takesGates(s filesState, i uint8, free bool, to step[filesState]) {
	if !free && r.gates {
		return
	}
	t := s
	a, q := s.a[i], &t.a[i]
	f := s.f[a.lock]
	say := func(what string) { to(actorNames[i]+": "+what, t, "") }
	if r.gates {
		t.gate = i + 1
	}
	if f.home.seen == 0 && f.twin.seen == 0 || f.ended.seen == 1 {
		t.gate = s.gate
		*q = actor{pc: over}
		say("its lock is gone")
		return
	}
	others := uint8(0)
	for x := range uint8(locks) {
		for place := uint8(1); place <= 2 && x != a.lock; place++ {
			if r.counts(&s, x, place) {
				others |= place
			}
		}
	}
	switch a.pc {
	case endGates:
		q.pc, q.leaned = endSyncOthers, others
		if i == actorA || i == lateEnd {
			t.handover = 0 // its owner ends it after all
		}
		say(fmt.Sprintf("has the gates to end it; others hold %d of 3", others))
	case rewriteHome:
		if f.home.seen != 0 {
			t.f[a.lock].home.seen = 2
		}
		q.pc = rewriteCopy
		say("has the gates, replaces its file")
	case offerGates:
		if r.offerCount && f.home.seen != a.began || f.home.seen == 0 {
			t.gate = s.gate
			q.pc, q.began = working, 0
			if i == lateOffer {
				*q = actor{pc: over}
			}
			say("another offer was made or withdrawn since: refused")
			return
		}
		t.f[a.lock].home.seen = oneMore(a.began)
		q.pc, q.began = rewriteCopy, 0
		say("has the gates, replaces its file by one that offers, or withdraws")
	case acceptGates:
		if r.offerAsked && !offered(f.home.seen) || f.home.seen == 0 {
			t.gate = s.gate
			*q = actor{pc: over}
			say("it is offered to nobody any more")
			return
		}
		if s.withheld == 1 {
			to("C: has the gates to accept it", t, "HEIR: accepted, although its owner had withdrawn the offer")
			return
		}
		fallthrough
	case breakGates:
		if f.home.seen == 0 {
			t.gate = s.gate
			*q = actor{pc: over}
			say("finds a copy only")
			return
		}
		q.pc = breakMake
		t.handover = s.a[actorA].promised
		t.a[actorA].promised = 0
		if !r.successor {
			q.pc = endMove
			t.f[lockC].home.seen, t.f[lockC].home.young = 0, 0
		}
		say("has the gates to take it over")
	case undoGates:
		if r.undoAsks && s.releases != a.began {
			t.gate = s.gate
			*q = actor{pc: over}
			say("somebody released meanwhile: the lock stays")
			return
		}
		q.pc, q.leaned = endMove, s.relied
		t.releases = min(t.releases+1, 3)
		say("has the gates to take it back, new epoch")
	}
}

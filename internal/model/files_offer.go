package model

// A lock's file says how often its offer was changed: 1 is as it was taken, 3 offered, 5 withdrawn, 7 offered again; 2 is one with
// other words. Odd numbers of changes are offers.

func offers(version uint8) uint8 {
	if version%2 == 0 {
		return 0
	}
	return version / 2
}

func offered(version uint8) bool { return offers(version)%2 == 1 }

// oneMore is the version after one more offer or withdrawal.
func oneMore(version uint8) uint8 { return version + 2 }

// transfers is A's `transfer`, which offers the lock or withdraws the offer: what it has seen of the lock, it sends along.
func transfers(s filesState, to step[filesState]) {
	t := s
	q := &t.a[actorA]
	t.scene.offers--
	q.pc, q.began = offerGates, s.f[lockA].home.seen
	if !offered(q.began) {
		t.withheld = 0 // from now on it may be accepted
	}
	if s.scene.late > 0 {
		u := t
		u.scene.late--
		u.a[lateOffer] = actor{pc: offerGates, lock: lockA, began: q.began}
		to("A: transfer; supd hangs, and will execute it late", u, "")
	}
	to("A: transfer", t, "")
}

package supervisor

import "testing"

func TestBellWakesAllWhoWaitAndMissesNoRing(t *testing.T) {
	var b bell
	b.ring() // nobody waits
	first, same := b.wait(), b.wait()
	select {
	case <-first:
		t.Fatal("woken by a ring before the wait")
	default:
	}
	b.ring()
	<-first
	<-same
	next := b.wait()
	select {
	case <-next:
		t.Fatal("a ring wakes twice")
	default:
	}
	b.ring()
	<-next
}

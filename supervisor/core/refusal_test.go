package core

import "testing"

// Who is refused for the sake of a prerequisite hears of the locks on the service itself as well: his own is what he has
// to end afterwards, somebody else's is the next refusal.
func TestRefusalNamesBothLocks(t *testing.T) {
	l := newLab(t, manual("db"), manual("web", "db"))
	l.fact["web"].owner = "bob"
	l.lock("db", "alice")
	l.lock("web", "bob")
	l.take()
	l.ask(1, Start, "web", "bob")
	l.want(`reply 1: 4 cannot start "web": it needs "db", held by alice since 2023-11-14T22:13:20Z (vacuum); "web" itself is held by bob since 2023-11-14T22:13:20Z (vacuum)`)
}

// The override of a check is no way past a lock, and is not sold as one.
func TestRefusalNamesCheckAndLock(t *testing.T) {
	l := newLab(t, manual("db"))
	l.send(Interlock{"db", "disk", true, "read-only"})
	l.lock("db", "alice")
	l.take()
	l.ask(1, Start, "db", "bob")
	l.want(`reply 1: 4 cannot start "db": held by check "disk" (read-only), and held by alice since 2023-11-14T22:13:20Z (vacuum); ` +
		`--override-interlock -m REASON passes the check, and not the lock`)
}

// A locked service that is down is locked in the first place, for whoever does not hold the lock.
func TestReloadOfALockedServiceThatIsDownIsRefusedAsHeld(t *testing.T) {
	l := newLab(t, manual("db"))
	l.lock("db", "alice")
	l.take()
	for i, verb := range []Verb{Reload, Signal} {
		l.ask(uint64(i+1), verb, "db", "bob")
		if got, want := l.take(), string(verb)+" db\naction.suppressed db\n"+
			`reply `+string(rune('1'+i))+`: 4 cannot `+string(verb)+` "db": held by alice since 2023-11-14T22:13:20Z (vacuum)`; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

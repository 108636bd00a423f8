package core

import (
	"strings"
	"testing"
)

func TestStuck(t *testing.T) {
	nobodys := func(string) bool { return false }
	l := newLab(t, svc("db"), svc("web", "db"), manual("job"))
	wants := func(when, service string, mine func(string) bool, want string) {
		t.Helper()
		got := Stuck(l.st, service, mine)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s: %q, want %q", when, service, got, want)
		}
	}
	wants("all is well", "db", nobodys, "")
	wants("nobody started it yet, and somebody may", "job", nobodys, "")
	l.exit("db", Exit{Signal: 15})
	l.crash("web")
	wants("stopped on purpose", "db", nobodys, `"db" is held by`)
	wants("what it needs is stopped", "web", nobodys, `"web" needs "db", and "db" is held by`)
	l.slow = true
	l.ask(1, Start, "db", "bob")
	wants("somebody starts it", "db", nobodys, "")
	wants("what it needs is being started", "web", nobodys, "")
}

func TestStuckUnderALock(t *testing.T) {
	l := newLab(t, svc("db"))
	l.lock("db", "alice")
	l.crash("db")
	id := ""
	for _, h := range l.st.Services["db"].Holds {
		id = h.LockID
	}
	if got := Stuck(l.st, "db", func(string) bool { return false }); !strings.Contains(got, "held by alice") {
		t.Errorf("under somebody else's lock: %q", got)
	}
	if got := Stuck(l.st, "db", func(lock string) bool { return lock == id }); got != "" {
		t.Errorf("under a lock of one's own: %q", got)
	}
}

func TestAnInterlockMayPassByItself(t *testing.T) {
	l := newLab(t, svc("db"))
	l.send(Interlock{Service: "db", Check: "disk", On: true, Reason: "errors"})
	l.crash("db")
	if got := Stuck(l.st, "db", func(string) bool { return false }); got != "" {
		t.Errorf("%q", got)
	}
}

package core

import (
	"strings"
	"testing"
	"time"
)

// What explain names as the next step is not refused while somebody else's lock is there, and a release is no news under
// the next lock.
func TestExplainUnderALockNamesNothingThatIsRefused(t *testing.T) {
	l := newLab(t, manual("db"), svc("web"))
	l.stopped(1, "web")
	for _, name := range []string{"db", "web"} {
		l.lock(name, "alice")
		text := strings.Join(Explain(l.st, name, l.now), "\n")
		for _, line := range strings.Split(text, "\n") {
			if strings.HasSuffix(line, "supctl start "+name) {
				t.Errorf("it is refused: %s", line)
			}
		}
		if !strings.Contains(text, "while it is locked, only its lock's owner can") {
			t.Errorf("%s: %s", name, text)
		}
	}
	l.fact["db"].settle = l.now.Add(time.Minute)
	l.release("db")
	if text := strings.Join(Explain(l.st, "db", l.now), "\n"); !strings.Contains(text, "released a moment ago") {
		t.Error(text)
	}
	l.lock("db", "bob")
	if text := strings.Join(Explain(l.st, "db", l.now), "\n"); strings.Contains(text, "released") {
		t.Error(text)
	}
}

// A lock on a group is ended by the name of the group.
func TestExplainNamesTheLockedTarget(t *testing.T) {
	l := newLab(t, svc("db"))
	l.send(HoldsChanged{"db", []Hold{{Kind: HoldLock, ID: "1", By: "alice", Target: "@site"}}})
	if text := strings.Join(Explain(l.st, "db", l.now), "\n"); !strings.Contains(text, "ends with: supctl maintenance end @site (by its owner)") {
		t.Error(text)
	}
}

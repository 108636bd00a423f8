package notices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/lockfile"
)

func person(name string, uid int64, session string) lockfile.Owner {
	return lockfile.Owner{Name: name, UID: uid, LoginUID: uid, Session: session}
}

func TestWhoIsToldWhat(t *testing.T) {
	now := time.Now()
	ann, annElsewhere, ben := person("ann", 1001, "1"), person("ann", 1001, "2"), person("ben", 1002, "3")
	lock := func(id string, o lockfile.Owner) lockfile.Lock {
		return lockfile.Lock{ID: id, Target: lockfile.ServiceTarget("db"), Owner: o, Reason: "disk"}
	}
	gone := func(id, how string, by lockfile.Owner) lockfile.Lock {
		l := lock(id, ann)
		l.Ended = &lockfile.Ended{At: now, By: by, How: how, Note: "late"}
		return l
	}
	late := lock("late", ann)
	late.Until = now.Add(-time.Minute)
	early := lock("early", ann)
	early.Until = now.Add(time.Minute)
	offered := lock("offered", ann)
	offered.Offer, offered.Offers = &lockfile.Offer{Name: "ben", UID: 1002, By: "ann", At: now}, 3
	locks := []lockfile.Lock{late, early, offered}
	ended := []lockfile.Lock{gone("b", "break", ben), gone("t", "transfer", ben), gone("e", "end", ben), gone("own", "break", ann), {ID: "unstamped", Owner: ann}}
	keys := func(me lockfile.Owner) string {
		var ks []string
		for _, n := range For(me, locks, ended, now) {
			ks = append(ks, strings.Join(strings.Fields(n.Key)[:2], " "))
		}
		return strings.Join(ks, ", ")
	}
	if got, want := keys(ann), "overdue late, break b, transfer t"; got != want {
		t.Errorf("ann is told %q, want %q", got, want)
	}
	// A break in another session of the same account may have been by somebody else.
	if got, want := keys(annElsewhere), "overdue late, break b, transfer t, break own"; got != want {
		t.Errorf("ann's other session is told %q, want %q", got, want)
	}
	if got, want := keys(ben), "offer offered"; got != want {
		t.Errorf("ben is told %q, want %q", got, want)
	}
}

// Who comes back days later is not sent to somebody whose lock has long gone.
func TestABrokenLockIsNotSaidToBeHeldAfterItsSuccessorHasGone(t *testing.T) {
	ann, ben := person("ann", 1001, "1"), person("ben", 1002, "2")
	for _, how := range []string{"break", "transfer"} {
		old := lockfile.Lock{ID: "a", Target: lockfile.ServiceTarget("db"), Owner: ann, Ended: &lockfile.Ended{At: time.Now(), By: ben, How: how}}
		next := lockfile.Lock{ID: "b", Target: old.Target, Owner: ben, Replaces: "a"}
		said := func(locks ...lockfile.Lock) string { return For(ann, locks, []lockfile.Lock{old}, time.Now())[0].Text }
		if text := said(next); !strings.Contains(text, "they hold it now") && !strings.Contains(text, "it is theirs now") {
			t.Errorf("%s, it stands: %s", how, text)
		}
		if text := said(); strings.Contains(text, "now") || !strings.Contains(text, "supctl maintenance history db") {
			t.Errorf("%s, it has ended: %s", how, text)
		}
	}
}

func TestToldOnceAndForgottenWithTheLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := lockfile.Init(dir, true); err != nil {
		t.Fatal(err)
	}
	state, err := lockfile.Open(dir, lockfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ann, ben := person("ann", 1001, "1"), person("ben", 1002, "2")
	all := []Notice{{Key: "a"}, {Key: "b"}}
	if err := Tell(state, ann, all, []string{"a", "made up"}); err != nil {
		t.Fatal(err)
	}
	if left := Untold(dir, ann, all, time.Time{}); len(left) != 1 || left[0].Key != "b" {
		t.Errorf("ann is still to be told %v", left)
	}
	if left := Untold(dir, ben, all, time.Time{}); len(left) != 2 {
		t.Errorf("ben is still to be told %v", left)
	}
	if err := Tell(state, ann, all[1:], []string{"b"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "told", "login-1001"))
	if err != nil || string(text) != "b\nb in session 1\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// Who shares an account reads it as well, however fast the other one is; a login of next week does not.
func TestEachSessionThatWasThereIsToldOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := lockfile.Init(dir, true); err != nil {
		t.Fatal(err)
	}
	state, err := lockfile.Open(dir, lockfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	happened := time.Now()
	before, after := happened.Add(-time.Minute), happened.Add(time.Minute)
	all := []Notice{{Key: "break x", At: happened}}
	untold := func(session string, since time.Time) int {
		return len(Untold(dir, person("ann", 1001, session), all, since))
	}
	if untold("3", after) != 1 {
		t.Error("who logs in first after it is not told")
	}
	for _, session := range []string{"1", "2"} {
		if n := untold(session, before); n != 1 {
			t.Errorf("session %s has %d to be told", session, n)
		}
		if err := Tell(state, person("ann", 1001, session), all, []string{"break x"}); err != nil {
			t.Fatal(err)
		}
	}
	for session, since := range map[string]time.Time{"1": before, "2": before, "3": after, "4": {}, "": {}} {
		if untold(session, since) != 0 {
			t.Errorf("session %q is told once more", session)
		}
	}
}

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
	at := time.Now()
	old := at.Add(eachSession)
	all := []Notice{{Key: "a", At: at}, {Key: "b", At: at}}
	if err := Tell(state, ann, all, []string{"a", "made up"}, old); err != nil {
		t.Fatal(err)
	}
	if left := Untold(dir, ann, all, old); len(left) != 1 || left[0].Key != "b" {
		t.Errorf("ann is still to be told %v", left)
	}
	if left := Untold(dir, ben, all, old); len(left) != 2 {
		t.Errorf("ben is still to be told %v", left)
	}
	if err := Tell(state, ann, all[1:], []string{"b"}, old); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "told", "login-1001"))
	if err != nil || string(text) != "b\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// Who shares an account reads it as well, however fast the other one is; a login of next week does not.
func TestEachSessionIsToldOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := lockfile.Init(dir, true); err != nil {
		t.Fatal(err)
	}
	state, err := lockfile.Open(dir, lockfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	all := []Notice{{Key: "break x", At: now}}
	one, two, later, daemon := person("ann", 1001, "1"), person("ann", 1001, "2"), person("ann", 1001, "3"), person("ann", 1001, "")
	untold := func(me lockfile.Owner, at time.Time) int { return len(Untold(dir, me, all, at)) }
	for _, me := range []lockfile.Owner{one, two} {
		if n := untold(me, now); n != 1 {
			t.Errorf("session %s has %d to be told", me.Session, n)
		}
		if err := Tell(state, me, all, []string{"break x"}, now); err != nil {
			t.Fatal(err)
		}
		if n := untold(me, now); n != 0 {
			t.Errorf("session %s is told twice", me.Session)
		}
	}
	if n := untold(one, now); n != 0 {
		t.Error("what the second was told made the first one forget")
	}
	if untold(daemon, now) != 0 || untold(later, now.Add(eachSession)) != 0 {
		t.Error("told for ever")
	}
	if err := Tell(state, later, all, nil, now.Add(eachSession)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "told", "login-1001")); err != nil || string(text) != "break x\n" {
		t.Errorf("after a day: %q, %v", text, err)
	}
}

package lockfile

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

// A lock on NAME covers NAME@1, NAME@2, …, whenever they appear.

func TestLockCoversEveryInstance(t *testing.T) {
	d := newDir(t, Plan{}, "web@1", "web@2", "we", "webs@1", "web-x@1")
	lockOf(t, d, ann(), "web")
	wantHeld(t, d, "web@1")
	wantHeld(t, d, "web@2")
	for _, s := range []string{"we", "webs@1", "web-x@1"} {
		if err := d.Do(context.Background(), auto(d, VerbStart, s), nothing); err != nil {
			t.Errorf("%s is no instance of web: %v", s, err)
		}
	}
}

func TestLockCoversInstancesAddedUnderIt(t *testing.T) {
	d := newDir(t, Plan{}, "web@1", "web@2")
	lockOf(t, d, ann(), "web")
	_, pending := reload(t, d, planOf(nil, "web@1", "web@2", "web@3", "web@4"), "web@3", "web@4")
	if len(pending) > 0 {
		t.Errorf("new instances are pending: %v", pending)
	}
	for _, s := range []string{"web@1", "web@3", "web@4"} {
		wantHeld(t, d, s)
		r := auto(d, VerbStart, s)
		r.Automatic, r.Decisions, r.Actor = false, nil, bob()
		var held *HeldError
		if err := d.Do(context.Background(), r, nothing); !errors.As(err, &held) {
			t.Errorf("bob may start %s under ann's lock: %v", s, err)
		}
		r.Actor = ann()
		if err := d.Do(context.Background(), r, nothing); err != nil {
			t.Errorf("ann may not start %s under her lock: %v", s, err)
		}
	}
}

// Nobody has to hang anything up: the name alone finds the lock, before a directory of its own exists.
func TestLockCoversAnInstanceThatNoPlanHas(t *testing.T) {
	d := newDir(t, Plan{}, "web@1")
	lockOf(t, d, ann(), "web")
	if c := d.Cover("web@77"); len(c.Locks) != 1 {
		t.Errorf("cover of web@77: %+v", c)
	}
}

func TestLockOnOneInstanceLeavesTheOthers(t *testing.T) {
	d := newDir(t, Plan{}, "web@1", "web@2", "web@11")
	lockOf(t, d, ann(), "web@1")
	wantHeld(t, d, "web@1")
	for _, s := range []string{"web@2", "web@11"} {
		if err := d.Do(context.Background(), auto(d, VerbStart, s), nothing); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// One service becomes several under its lock, and several one.
func TestLockOutlivesTheChangeToInstances(t *testing.T) {
	d := newDir(t, Plan{}, "web")
	lockOf(t, d, ann(), "web")
	reload(t, d, planOf(nil, "web@1", "web@2"), "web", "web@1", "web@2")
	wantHeld(t, d, "web@1")
	wantHeld(t, d, "web@2")
	wantHeld(t, d, "web") // it still runs, and is no longer configured
}

// An instance that vanished from the plan may run, and something may be happening to it.
func TestLockWaitsForInstancesInNoPlan(t *testing.T) {
	d := newDir(t, Plan{}, "web@1", "web@2", "web@3")
	reload(t, d, planOf(nil, "web@1"), "web@2", "web@3")
	for _, s := range []string{"web@1", "web@3"} {
		inside, leave, over := make(chan bool), make(chan bool), make(chan error, 1)
		go func() {
			over <- d.Do(context.Background(), auto(d, VerbStart, s), func(*Permit) error { inside <- true; <-leave; return nil })
		}()
		<-inside
		waits := make(chan string, 100)
		r := lockReq(ann(), 10*time.Second, "web")
		r.Progress = func(f InFlight) { waits <- f.Service }
		locked := make(chan error, 1)
		go func() { _, err := d.Lock(context.Background(), r); locked <- err }()
		select {
		case at := <-waits:
			if at != s {
				t.Errorf("waits for %s, not %s", at, s)
			}
		case err := <-locked:
			t.Fatalf("locked (%v) while %s is being started", err, s)
		}
		close(leave)
		if err := errors.Join(<-over, <-locked); err != nil {
			t.Fatal(err)
		}
		if _, err := d.End(context.Background(), EndRequest{IDs: r.IDs, Owner: ann(), Force: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// What was decided before or under the lock does not happen after it, on an instance that came meanwhile either.
func TestEndOfALockOutdatesDecisionsOnNewInstances(t *testing.T) {
	d := newDir(t, Plan{}, "web@1")
	l := lockOf(t, d, ann(), "web")
	reload(t, d, planOf(nil, "web@1", "web@2"), "web@2")
	before := auto(d, VerbStart, "web@2")
	res, err := d.End(context.Background(), EndRequest{IDs: []string{l[0].ID}, Owner: ann(), Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(res.Freed, "web@2") {
		t.Errorf("freed %q, want web@2 too", res.Freed)
	}
	var stale *StaleError
	if err := d.Do(context.Background(), before, nothing); !errors.As(err, &stale) {
		t.Errorf("a decision made under the lock: %v, want stale", err)
	}
	if err := d.Do(context.Background(), auto(d, VerbStart, "web@2"), nothing); err != nil {
		t.Errorf("a fresh one: %v", err)
	}
}

// A damaged lock on web holds its instances as well: nobody can say that it is none.
func TestDamagedLockHoldsInstances(t *testing.T) {
	d := newDir(t, Plan{}, "web@1")
	l := lockOf(t, d, ann(), "web")
	for _, dir := range []string{"web", "web@1"} {
		_ = os.Remove(d.path + "/locks/service/" + dir + "/" + l[0].ID + ".toml")
	}
	if err := os.WriteFile(d.path+"/locks/service/web/"+l[0].ID+".toml", []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	var bad *UnreadableError
	if err := d.Do(context.Background(), auto(d, VerbStart, "web@1"), nothing); !errors.As(err, &bad) {
		t.Errorf("got %v, want unreadable", err)
	}
}

// A copy that another lock has in the directory of web speaks of web alone: the gates of its instances are not among those
// under which that lock ends.
func TestCopyOnTheBaseIsNotTheInstances(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"g": {"web"}}, "web", "web@blue"))
	lockOf(t, d, ann(), "@g")
	wantHeld(t, d, "web")
	if err := d.Do(context.Background(), auto(d, VerbStart, "web@blue"), nothing); err != nil {
		t.Errorf("web@blue is not in the group: %v", err)
	}
}

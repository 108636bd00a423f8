package lockfile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// The flaws of groups, cascades and reload.

func planOf(groups map[string][]string, services ...string) Plan {
	p := Plan{Services: map[string]Identity{}, Groups: groups}
	for _, s := range services {
		p.Services[s] = Identity{Command: "/bin/" + s}
	}
	return p
}

func reload(t *testing.T, d *Dir, p Plan, affected ...string) (Plan, map[string]error) {
	t.Helper()
	var pending map[string]error
	got, err := d.Reload(context.Background(), ReloadRequest{Affected: affected, Wait: 20 * time.Millisecond,
		Build: func(m map[string]error) Plan { pending = m; return p }})
	if err != nil {
		t.Fatal(err)
	}
	return got, pending
}

func wantHeld(t *testing.T, d *Dir, service string) {
	t.Helper()
	var held *HeldError
	if err := d.Do(context.Background(), auto(d, VerbStart, service), func(*Permit) error { return nil }); !errors.As(err, &held) || len(held.Locks) == 0 {
		t.Errorf("%s: got %v, want locked", service, err)
	}
}

func TestF19_GroupShrinksUnderItsLock(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
	lockOf(t, d, ann(), "@front")
	reload(t, d, planOf(map[string][]string{"front": {"db"}}, "db", "web"), "web")
	wantHeld(t, d, "web")
	reload(t, d, planOf(nil, "db", "web"), "db", "web") // the group is gone altogether
	wantHeld(t, d, "web")
	wantHeld(t, d, "db")
}

func TestF19_GroupGrowsUnderItsLock(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db", "web"))
	lockOf(t, d, ann(), "@front")
	if err := d.Do(context.Background(), auto(d, VerbStart, "web"), nothing); err != nil {
		t.Errorf("web is no member yet: %v", err)
	}
	reload(t, d, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"), "web")
	wantHeld(t, d, "web")
}

func TestF19_MemberThatComesWhileTheLockWaits(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db", "web"))
	type act struct{ inside, leave chan bool }
	acts := map[string]act{}
	for _, s := range []string{"db", "web"} {
		a := act{make(chan bool), make(chan bool)}
		acts[s] = a
		go d.Do(context.Background(), auto(d, VerbStart, s), func(*Permit) error { a.inside <- true; <-a.leave; return nil })
		<-a.inside
	}
	waits := make(chan string, 100)
	locked := make(chan error, 1)
	r := lockReq(ann(), 10*time.Second, "@front")
	r.Progress = func(f InFlight) { waits <- f.Service }
	go func() { _, err := d.Lock(context.Background(), r); locked <- err }()
	if s := <-waits; s != "db" {
		t.Fatalf("waits for %s first", s)
	}
	if err := d.putPlan(planOf(map[string][]string{"front": {"db", "web"}}, "db", "web")); err != nil { // reload, web's action in flight
		t.Fatal(err)
	}
	close(acts["db"].leave)
	for s := range waits {
		if s == "web" {
			break // it does wait for the new member
		}
	}
	select {
	case err := <-locked:
		t.Fatalf("returned %v while web's action runs", err)
	default:
	}
	close(acts["web"].leave)
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	wantHeld(t, d, "web")
}

func TestF19_ConfigOnDiskCountsToo(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db", "web"))
	r := lockReq(ann(), time.Second, "@front")
	r.Config = func() (Plan, error) { // what a hung daemon has not read yet
		return planOf(map[string][]string{"front": {"web"}}, "db", "web"), nil
	}
	if _, err := d.Lock(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, d, "db")
	wantHeld(t, d, "web")
}

func TestF19_BrokenConfigNeverPreventsALock(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	r := lockReq(ann(), time.Second, "db")
	r.Config = func() (Plan, error) { return Plan{}, errors.New("supd.toml:3: no closing bracket") }
	res, err := d.Lock(context.Background(), r)
	if err != nil || res.ResolveErr == nil {
		t.Errorf("%v, told of the config: %v", err, res.ResolveErr)
	}
	wantHeld(t, d, "db")
}

func TestF20_RenamedServiceIsStillTheLockedOne(t *testing.T) {
	was := planOf(nil, "web")
	now := Plan{Services: map[string]Identity{"web2": was.Services["web"]}}
	t.Run("lock, then rename", func(t *testing.T) {
		d := newDir(t, was)
		l := lockOf(t, d, ann(), "web")[0]
		_, pending := reload(t, d, now, "web", "web2")
		if pending["web"] == nil || pending["web2"] != nil {
			t.Errorf("pending %v, want web: it is locked", pending)
		}
		wantHeld(t, d, "web2")
		if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
			t.Fatal(err)
		}
		if c := d.Cover("web2"); !c.Clean() {
			t.Errorf("after the end: %+v", c)
		}
	})
	t.Run("rename, then lock by the old name", func(t *testing.T) {
		d := newDir(t, was)
		r := lockReq(ann(), time.Second, "web")
		r.Config = func() (Plan, error) { return now, nil }
		if _, err := d.Lock(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		wantHeld(t, d, "web2")
	})
	t.Run("action in flight under the old name, lock by the new", func(t *testing.T) {
		d := newDir(t, was)
		inside, leave, done := make(chan bool), make(chan bool), make(chan error)
		go func() {
			done <- d.Do(context.Background(), auto(d, VerbStart, "web"), func(*Permit) error { inside <- true; <-leave; return nil })
		}()
		<-inside
		_, pending := reload(t, d, was, "web", "web2")
		var busy *BusyError
		if !errors.As(pending["web"], &busy) {
			t.Errorf("pending %v, want web busy", pending)
		}
		r := lockReq(ann(), 50*time.Millisecond, "web2")
		r.Config = func() (Plan, error) { return now, nil }
		_, err := d.Lock(context.Background(), r)
		wantInFlight(t, d, err, "web")
		close(leave)
		<-done
		r.Wait = 10 * time.Second
		if _, err := d.Lock(context.Background(), r); err != nil {
			t.Error(err)
		}
	})
}

func TestF20_NamesResolvedBeforeAReloadAreStale(t *testing.T) {
	d := newDir(t, planOf(nil, "web"))
	decided := auto(d, VerbStart, "web")
	byHand := Request{Services: []string{"web"}, Verb: VerbStart, Actor: ann(), Decisions: decided.Decisions}
	reload(t, d, planOf(nil, "web"))
	for _, r := range []Request{decided, byHand} {
		var stale *StaleError
		if err := d.Do(context.Background(), r, func(*Permit) error { return nil }); !errors.As(err, &stale) {
			t.Errorf("automatic %v: got %v, want stale", r.Automatic, err)
		}
	}
}

func TestF20_LockThatComesDuringAReload(t *testing.T) {
	was := planOf(nil, "web")
	now := Plan{Services: map[string]Identity{"web2": was.Services["web"]}}
	d := newDir(t, was)
	locker, _ := Open(d.path, Options{})
	locked := make(chan error, 1)
	d.disk.hook = func(op, path string) error {
		if op == "rename" && path == d.path+"/plan.toml" {
			// Too late for the reload to hang it on web2, too early for the lock to know of web2: it looks again when its wait is over.
			waits := make(chan bool, 9)
			r := lockReq(ann(), 10*time.Second, "web")
			r.Progress = func(InFlight) { waits <- true }
			go func() { _, err := locker.Lock(context.Background(), r); locked <- err }()
			<-waits
		}
		return nil
	}
	if _, err := d.Reload(context.Background(), ReloadRequest{Affected: []string{"web", "web2"}, Build: func(map[string]error) Plan { return now }}); err != nil {
		t.Fatal(err)
	}
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	wantHeld(t, d, "web2")
}

func TestF21_CascadeAsksEveryService(t *testing.T) {
	d := newDir(t, planOf(nil, "app", "db", "web"))
	lockOf(t, d, ann(), "web")
	var held *HeldError
	err := d.Do(context.Background(), auto(d, VerbStart, "app", "db", "web"), func(*Permit) error { t.Error("acted"); return nil })
	if !errors.As(err, &held) || held.Service != "web" {
		t.Errorf("got %v, want held by web", err)
	}
}

func TestF21_GatesInNameOrderNeverDeadlock(t *testing.T) {
	d := newDir(t, planOf(nil, "a", "b", "c"))
	var wg sync.WaitGroup
	for _, order := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a"}, {"c", "a"}} {
		wg.Go(func() {
			for range 50 {
				r := auto(d, VerbStart, order...)
				r.Wait = 30 * time.Second
				if err := d.Do(context.Background(), r, nothing); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHostLockCoversWhatIsAddedLater(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	l := lockOf(t, d, ann(), "--all")[0]
	reload(t, d, planOf(nil, "db", "new"), "new")
	wantHeld(t, d, "db")
	wantHeld(t, d, "new")
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"db", "new"} {
		if err := d.Do(context.Background(), auto(d, VerbStart, s), nothing); err != nil {
			t.Error(err)
		}
	}
}

func TestHostLockWaitsForEveryGate(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	if err := d.EnsureService("orphan"); err != nil { // in no plan any more, but it has a gate, so it may act
		t.Fatal(err)
	}
	inside, leave := make(chan bool), make(chan bool)
	go d.Do(context.Background(), auto(d, VerbStart, "orphan"), func(*Permit) error { inside <- true; <-leave; return nil })
	<-inside
	_, err := d.Lock(context.Background(), lockReq(ann(), 50*time.Millisecond, "--all"))
	wantInFlight(t, d, err, "orphan")
	close(leave)
}

func TestSeveralTargetsAllOrNone(t *testing.T) {
	d := newDir(t, planOf(nil, "a", "b"))
	r := lockReq(ann(), time.Second, "a", "b")
	d.disk.hook = func(op, path string) error {
		if op == "rename" && path == d.lockFile(ServiceTarget("b"), r.IDs[1]) {
			return errors.New("the disk is gone")
		}
		return nil
	}
	if _, err := d.Lock(context.Background(), r); err == nil {
		t.Error("locked a without b")
	}
	if ls := d.Locks(); len(ls.Locks)+len(ls.Unreadable) != 0 {
		t.Errorf("left: %+v", ls)
	}
}

func TestAllOrNoneSparesALockThatSomebodyLeanedOn(t *testing.T) {
	d := newDir(t, planOf(nil, "a", "b"))
	bobs := lockOf(t, d, bob(), "a")[0]
	r := lockReq(ann(), time.Second, "a", "b")
	other, _ := Open(d.path, Options{})
	d.disk.hook = func(op, path string) error {
		if op == "rename" && path == d.lockFile(ServiceTarget("b"), r.IDs[1]) {
			// bob ends without a try-out, because he sees ann's lock
			if _, err := other.End(context.Background(), EndRequest{IDs: []string{bobs.ID}, Owner: bob()}); err != nil {
				t.Error(err)
			}
			return errors.New("the disk is gone")
		}
		return nil
	}
	if _, err := d.Lock(context.Background(), r); err == nil {
		t.Error("locked a without b")
	}
	if c := d.Cover("a"); len(c.Locks) != 1 {
		t.Errorf("a was released without anybody having tried it out: %+v", c)
	}
}

func TestReloadKeepsGenerationAndPlan(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	before, _ := d.Plan()
	p, pending := reload(t, d, planOf(map[string][]string{"g": {"db"}}, "db", "web"), "web")
	if p.Generation != before.Generation+1 || len(pending) != 0 {
		t.Errorf("generation %d after %d, pending %v", p.Generation, before.Generation, pending)
	}
	other, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	read, err := other.Plan()
	if err != nil || read.Generation != p.Generation || !slices.Equal(slices.Sorted(maps.Keys(read.Services)), []string{"db", "web"}) {
		t.Errorf("on disk: %+v, %v", read, err)
	}
}

func TestAliasIsCoveredAndShownOnce(t *testing.T) {
	p := Plan{Services: map[string]Identity{"db": {Unit: "pg.service"}, "pg": {Unit: "pg.service", Command: "/bin/pg"}, "other": {Command: "/bin/other"}}}
	d := newDir(t, p)
	lockOf(t, d, ann(), "db")
	wantHeld(t, d, "pg")
	if err := d.Do(context.Background(), auto(d, VerbStart, "other"), nothing); err != nil {
		t.Error(err)
	}
	if ls := d.Locks().Locks; len(ls) != 1 || ls[0].Target != ServiceTarget("db") {
		t.Errorf("listed %+v", ls)
	}
}

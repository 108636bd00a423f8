package lockfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The flaws of what is on the disk: creating, handing over, late requests.

func TestF14_EveryParentIsFsynced(t *testing.T) {
	for name, prepare := range map[string]func(*Dir){
		"first lock ever on it":       func(*Dir) {},
		"its maker died before fsync": func(d *Dir) { os.Mkdir(d.path+"/locks/service/db", 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, Plan{})
			prepare(d)
			log := record(d)
			l := lockOf(t, d, ann(), "db")[0]
			if err := log.durable("/locks/service/db/" + l.ID + ".toml"); err != nil {
				t.Error(err)
			}
			synced := false
			for _, op := range log.ops { // the content, before it got its name
				synced = synced || strings.HasPrefix(op, "fsync /tmp/t.")
				if strings.HasPrefix(op, "rename /locks/") && !synced {
					t.Error("renamed before its content was fsynced")
				}
			}
		})
	}
}

func TestF14_CopiesForMembersAreDurable(t *testing.T) {
	d := newDir(t, Plan{Groups: map[string][]string{"web": {"a", "b"}}}, "a", "b")
	log := record(d)
	l := lockOf(t, d, ann(), "@web")[0]
	for _, p := range []string{"/locks/group/web/", "/locks/service/a/", "/locks/service/b/"} {
		if err := log.durable(p + l.ID + ".toml"); err != nil {
			t.Error(err)
		}
	}
}

func TestF14_TakenUpAgainIsFsyncedAgain(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	first := lockOf(t, d, ann(), "db")[0] // as if its maker had died before the fsync
	log := record(d)
	again := lockOf(t, d, ann(), "db")[0]
	if again.ID != first.ID {
		t.Fatal("a second lock of one owner on one target")
	}
	for _, dir := range []string{"/locks/service/db", "/locks/service", "/locks", ""} {
		if log.last("fsync "+dir) < 0 {
			t.Errorf("%q not fsynced before success", dir)
		}
	}
}

func TestF15_BreakWritesItsOwnLockFirst(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	old := lockOf(t, d, ann(), "db")[0]
	taken := false
	log := record(d)
	inner := d.disk.hook
	d.disk.hook = func(op, path string) error {
		if path == d.gatePath("db") {
			taken = true
		}
		if op == "rename" && strings.HasPrefix(path, d.path+"/locks/") || op == "rename" && strings.HasPrefix(path, d.path+"/ended/") {
			if !taken {
				t.Error("changed without the gate")
			}
			probe, _ := Open(d.path, Options{})
			if g, err := probe.take(context.Background(), "db", unix.LOCK_SH, gateWait{until: time.Now()}); err == nil {
				g.release()
				t.Errorf("the gate is open while %s %s", op, path)
			}
		}
		return inner(op, path)
	}
	res, err := d.Break(context.Background(), BreakRequest{ID: old.ID, NewID: "new1", Owner: cat(), Reason: "on call"})
	if err != nil {
		t.Fatal(err)
	}
	made, gone := log.last("rename /locks/service/db/new1.toml"), log.last("rename /ended/"+old.ID+".toml")
	synced := -1
	for i, op := range log.ops {
		if op == "fsync " && i > made && synced < 0 {
			synced = i // the state directory itself, last of the parents
		}
	}
	if made < 0 || synced < made || gone < synced {
		t.Errorf("made %d, durable %d, old one gone %d", made, synced, gone)
	}
	if res.New.Replaces != old.ID || res.Old.ID != old.ID || !res.New.Owner.Same(cat()) {
		t.Errorf("%+v", res)
	}
	if c := d.Cover("db"); len(c.Locks) != 1 || c.Locks[0].ID != "new1" {
		t.Errorf("after the break: %+v", c)
	}
}

func TestF16_OwnersEndAfterABreakRemovesNothing(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	if _, err := d.Break(context.Background(), BreakRequest{ID: l.ID, NewID: "new1", Owner: cat()}); err != nil {
		t.Fatal(err)
	}
	var gone *GoneError
	_, err := d.End(context.Background(), end(ann(), l.ID))
	if !errors.As(err, &gone) || gone.Ended == nil || gone.Ended.Ended == nil || gone.Ended.Ended.How != "break" || !gone.Ended.Ended.By.Same(cat()) {
		t.Errorf("got %v, want: broken by cat", err)
	}
	if c := d.Cover("db"); len(c.Locks) != 1 {
		t.Errorf("cat's lock is gone: %+v", c)
	}
}

func TestF16_BreakWhileEndWaitsAtTheGate(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	g, err := d.take(context.Background(), "db", unix.LOCK_EX, gateWait{until: time.Now().Add(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	// ann's end is past its first look when it asks for the gate.
	asked, ended := make(chan bool, 8), make(chan error, 1)
	a, _ := Open(d.path, Options{})
	a.disk.hook = func(op, path string) error {
		if op == "gate" {
			asked <- true
		}
		return nil
	}
	go func() { _, err := a.End(context.Background(), end(ann(), l.ID)); ended <- err }()
	<-asked
	// cat's break, by the hand that has the gate.
	f, err := d.find(l.ID)
	if err != nil {
		t.Fatal(err)
	}
	tk := &taking{d: d, until: time.Now().Add(time.Second), epochs: map[string]string{}, waited: map[string]bool{}, req: LockRequest{Owner: cat()}}
	if err := errors.Join(tk.succeed(f, "new1"), d.newEpoch([]string{"db"}, ""), d.bury(f, nil)); err != nil {
		t.Fatal(err)
	}
	g.release()
	var gone *GoneError
	if err := <-ended; !errors.As(err, &gone) {
		t.Errorf("ann's end: %v, want gone", err)
	}
	if c := d.Cover("db"); len(c.Locks) != 1 || c.Locks[0].ID != "new1" {
		t.Errorf("cat's lock: %+v", c)
	}
}

func TestF17_BrokenWhileWaitingIsNoSuccess(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	inside, leave, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		done <- d.Do(context.Background(), auto(d, VerbStart, "db"), func(*Permit) error { inside <- true; <-leave; return nil })
	}()
	<-inside
	waits, locked := make(chan InFlight, 8), make(chan error, 1)
	r := lockReq(ann(), 10*time.Second, "db")
	r.Progress = func(f InFlight) { waits <- f }
	go func() { _, err := d.Lock(context.Background(), r); locked <- err }()
	if f := <-waits; f.Service != "db" || f.Record == nil || f.Record.Verb != VerbStart {
		t.Errorf("progress says %+v", f)
	}
	// cat breaks ann's lock. The gate is busy, so this is done where a break would do it, by files.
	f, err := d.find(r.IDs[0])
	if err != nil {
		t.Fatal(err)
	}
	tk := &taking{d: d, epochs: map[string]string{}, waited: map[string]bool{}, req: LockRequest{Owner: cat()}}
	if err := errors.Join(tk.succeed(f, "new1"), d.newEpoch([]string{"db"}, ""), d.bury(f, nil)); err != nil {
		t.Fatal(err)
	}
	close(leave)
	<-done
	var broken *BrokenError
	if err := <-locked; !errors.As(err, &broken) || broken.By == nil || !broken.By.Owner.Same(cat()) {
		t.Errorf("got %v, want broken by cat", err)
	}
}

func TestF18_LateEndSparesTheNewLock(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	first := lockOf(t, d, ann(), "db")[0]
	if _, err := d.End(context.Background(), end(ann(), first.ID)); err != nil {
		t.Fatal(err)
	}
	second := lockOf(t, d, ann(), "db")[0]
	var gone *GoneError
	if _, err := d.End(context.Background(), end(ann(), first.ID)); !errors.As(err, &gone) { // a hung daemon works it off now
		t.Errorf("late end: %v", err)
	}
	if c := d.Cover("db"); len(c.Locks) != 1 || c.Locks[0].ID != second.ID {
		t.Errorf("the new lock: %+v", c)
	}
}

func TestF18_LateStartRaisesNoGhost(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := lockReq(ann(), time.Second, "db")
	if _, err := d.Lock(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(context.Background(), end(ann(), r.IDs[0])); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(context.Background(), r); err == nil {
		t.Error("a late request for an ended id says locked")
	}
	if c := d.Cover("db"); !c.Clean() {
		t.Errorf("ghost: %+v", c)
	}
}

func TestF18_LateStartBetweenLookAndRename(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := lockReq(ann(), time.Second, "db")
	late, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	late.disk.hook = func(op, path string) error { // the daemon hangs just before its rename; meanwhile the lock comes and goes
		if op == "rename" && strings.HasPrefix(path, d.path+"/locks/") {
			late.disk.hook = nil
			if _, err := d.Lock(context.Background(), r); err != nil {
				t.Error(err)
			}
			if _, err := d.End(context.Background(), end(ann(), r.IDs[0])); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if _, err := late.Lock(context.Background(), r); err == nil {
		t.Error("a late request for an ended id says locked")
	}
	if c := d.Cover("db"); !c.Clean() {
		t.Errorf("ghost: %+v", c)
	}
	if there, _ := d.disk.exists(d.lockFile(ServiceTarget("db"), r.IDs[0])); there {
		t.Error("the ghost's file is there")
	}
}

func TestF18_SameRequestTwiceIsOneLock(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := lockReq(ann(), time.Second, "db")
	for range 2 { // once by the daemon, once by supctl itself
		if _, err := d.Lock(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	if ls := d.Locks().Locks; len(ls) != 1 {
		t.Errorf("%d locks", len(ls))
	}
	var other *NotOwnerError
	r.Owner = bob()
	if _, err := d.Lock(context.Background(), r); !errors.As(err, &other) {
		t.Errorf("bob with ann's id: %v", err)
	}
}

func TestF24_EmptyStateIsNotFree(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := auto(d, VerbStart, "db")
	if err := os.Rename(d.path, d.path+".away"); err != nil { // unmounted: the mount point is there, empty
		t.Fatal(err)
	}
	if err := os.Mkdir(d.path, 0o755); err != nil {
		t.Fatal(err)
	}
	var marker *MarkerError
	if err := d.Do(context.Background(), r, func(*Permit) error { t.Error("acted"); return nil }); !errors.As(err, &marker) {
		t.Errorf("running daemon: %v", err)
	}
	if c := d.Cover("db"); c.Clean() {
		t.Error("reads as free")
	}
	if l := d.Locks(); len(l.Unreadable) == 0 {
		t.Error("lists as no locks")
	}
	if _, err := Open(d.path, Options{}); !errors.As(err, &marker) {
		t.Errorf("open: %v", err)
	}
	if err := Init(d.path, false); !errors.As(err, &marker) {
		t.Errorf("init that is no first start: %v", err)
	}
}

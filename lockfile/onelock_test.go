package lockfile

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// atOnce are people of one session at one target, each with an opening of the state directory of his own: to the kernel they are as
// separate as supd and supctl are.
func atOnce(t *testing.T, d *Dir, n int, targets ...Target) (results []LockResult) {
	t.Helper()
	results = make([]LockResult, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		mine, err := Open(d.path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := LockRequest{Owner: ann(), Targets: targets, Wait: 5 * time.Second}
		for _, tg := range targets {
			r.IDs = append(r.IDs, NewIDFor(tg))
		}
		all.Go(func() {
			<-begin
			res, err := mine.Lock(context.Background(), r)
			if err != nil {
				t.Error(err)
			}
			results[i] = res
		})
	}
	close(begin)
	all.Wait()
	return results
}

func TestOneOwnerAtOnceMakesOneLock(t *testing.T) {
	const n = 8
	for round := range 20 {
		d := newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
		targets := []Target{GroupTarget("front"), ServiceTarget("db")}
		again := 0
		results := atOnce(t, d, n, targets...)
		ids := map[string]bool{}
		for _, r := range results {
			again += len(r.Again)
			for _, l := range r.Locks {
				ids[l.ID] = true
			}
		}
		if there := d.Locks().Locks; len(there) != len(targets) || len(ids) != len(targets) || again != len(targets)*(n-1) {
			t.Fatalf("round %d: %d locks stand, %d were named, %d answers say that there was one: %+v", round, len(there), len(ids), again, there)
		}
	}
}

// Another session of the same person, and another person, have locks of their own.
func TestAnotherSessionAtOnceMakesItsOwnLock(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			o := ann()
			o.Session = fmt.Sprint("s", i)
			lockOf(t, d, o, "db")
		})
	}
	all.Wait()
	if there := d.Locks().Locks; len(there) != 4 {
		t.Errorf("%d locks of 4 sessions", len(there))
	}
}

// A supctl that was stopped in its turn keeps nobody from a lock.
func TestAStoppedTurnKeepsNobodyFromALock(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	other, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	over := other.ownTurn(context.Background(), ann(), ServiceTarget("db"))
	defer over()
	// Somebody else's turn is another one.
	began := time.Now()
	lockOf(t, d, bob(), "db")
	if took := time.Since(began); took > ownTurnWait {
		t.Errorf("bob waited %s for ann's turn", took)
	}
	lockOf(t, d, ann(), "db")
	if there := d.Locks().Locks; len(there) != 2 {
		t.Errorf("locks: %+v", there)
	}
}

func TestATurnIsOverWithItsProcess(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	c := start(t, job{Mode: "own-turn", Path: d.path, Target: "db", Owner: ann()})
	if word := c.hear(); word != "in turn" {
		t.Fatal(word)
	}
	if err := unix.Kill(c.cmd.Process.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.finish()
	began := time.Now()
	lockOf(t, d, ann(), "db")
	if took := time.Since(began); took > ownTurnWait {
		t.Errorf("waited %s for a dead one's turn", took)
	}
}

// Nobody else can open what the turn is taken on, so nobody else can keep it.
func TestTheTurnsFileIsForNobodyElse(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	lockOf(t, d, ann(), "db")
	st, err := os.Stat(d.ownTurnPath())
	if err != nil || st.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", st, err)
	}
}

// Whoever takes up a lock that another run of theirs has just written relies on it: that run must not take it back when it fails.
func TestALockThatWasTakenUpIsNotTakenBack(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	first, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	taken := false
	first.disk.hook = func(op, path string) error {
		if op == "rename" && path == d.lockFile(ServiceTarget("web"), "second") { // db is written, web is not
			taken = true
			if res, err := d.Lock(context.Background(), lockReq(ann(), time.Second, "db")); err != nil || len(res.Again) != 1 {
				t.Errorf("the lock of the other run was not taken up: %+v, %v", res, err)
			}
			return unix.EIO
		}
		return nil
	}
	_, err = first.Lock(context.Background(), LockRequest{Owner: ann(), IDs: []string{"first", "second"}, Targets: []Target{ServiceTarget("db"), ServiceTarget("web")}, Wait: time.Second})
	if !taken || err == nil {
		t.Fatalf("this test fails nothing: %v", err)
	}
	if c := d.Cover("db"); len(c.Locks) != 1 {
		t.Errorf("the first run said %q; db, of which the second said LOCKED, is held by %+v", err, c)
	}
}

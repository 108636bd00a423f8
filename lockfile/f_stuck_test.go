package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The flaws that are about what people are told: who is in the way, what was left half done, and when.

func TestF22_StoppedDaemonInsideAnActionPermitsOnlySix(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbStart})
	daemon.expect("acting")
	if err := syscall.Kill(daemon.pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r := lockReq(ann(), 50*time.Millisecond, "db")
	_, err := d.Lock(context.Background(), r)
	wantInFlight(t, d, err, "db")
	if text := err.Error(); !strings.Contains(text, fmt.Sprint("supd pid ", daemon.pid())) || !strings.Contains(text, "start of db") {
		t.Errorf("the message names neither action nor holder: %s", text)
	}
	daemon.kill()
	r.Wait = 10 * time.Second
	if res, err := d.Lock(context.Background(), r); err != nil || len(res.Interrupted) != 1 {
		t.Errorf("after kill -9: %v, %v", res.Interrupted, err)
	}
}

func TestF23_HalfARestartIsReported(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbRestart, Phase: PhaseStopped})
	daemon.expect("acting")
	daemon.kill()
	rec, err := d.Recover(context.Background())
	if err != nil || len(rec.Interrupted) != 1 {
		t.Fatalf("%+v, %v", rec, err)
	}
	if r := rec.Interrupted[0]; r.Verb != VerbRestart || r.Phase != PhaseStopped || r.Maker.PID != daemon.pid() {
		t.Errorf("record %+v", r)
	}
}

func TestF25_GatesAreNotForOthers(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	for path, want := range map[string]os.FileMode{d.path + "/gates": 0o700, d.gatePath("db"): 0o600} {
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, st.Mode(), err, want)
		}
	}
	// Everybody may read the locks: who holds what is no secret.
	l := lockOf(t, d, ann(), "db")[0]
	st, err := os.Stat(d.lockFile(l.Target, l.ID))
	if err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("lock file %v, %v", st.Mode(), err)
	}
}

func TestF26_HolderIsNamedFromTheRecord(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	daemon := start(t, job{Mode: "act-helper", Path: d.path, Service: "db", Verb: VerbStop})
	var helper int
	if _, err := fmt.Sscanf(daemon.hear(), "helper pid %d", &helper); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(helper, syscall.SIGKILL)
	daemon.kill() // /proc/locks goes on naming it
	_, err := d.Lock(context.Background(), lockReq(ann(), 50*time.Millisecond, "db"))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("helper pid ", helper)) {
		t.Errorf("got %v, want the helper %d named", err, helper)
	}
}

func TestF27_NothingIsOrderedByTheClock(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := lockReq(ann(), time.Second, "db")
	r.Until = time.Now().Add(-time.Hour) // long overdue
	res, err := d.Lock(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if l := res.Locks[0]; !l.Overdue(time.Now()) {
		t.Error("not overdue")
	}
	var held *HeldError
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); !errors.As(err, &held) {
		t.Errorf("an overdue lock let an action pass: %v", err)
	}
	before := boottime()
	if _, err := d.End(context.Background(), EndRequest{IDs: r.IDs, Owner: ann(), Force: true}); err != nil {
		t.Fatal(err)
	}
	e := d.Observe("db").Epoch
	if e.BootID != bootID() || e.Boottime < before || e.Boottime > boottime() {
		t.Errorf("epoch %+v does not count from the clock that never steps", e)
	}
}

package lockfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// What internal/model found in the code: each has the step it is about in its name.

// F28: supd and its helper are killed during an operator's stop; the next supd sees the target still up, and the hold of that very
// stop must not be taken for one that is over.
func TestF28_HoldOfAStopInFlightIsNotCleared(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	target := sleeper(t)
	if _, err := d.AddHold("db", HoldSpec{Kind: HoldOperatorStop, By: "anna"}); err != nil {
		t.Fatal(err)
	}
	leaveTermed(t, d, target.pid())
	var busy *BusyError
	if n, err := d.RemoveHolds(context.Background(), "db", func() bool { return true }); n != 0 || !errors.As(err, &busy) {
		t.Errorf("removed %d, %v while the stopped process still lives", n, err)
	}
	if hs, _ := d.ListHolds("db"); len(hs) != 1 {
		t.Errorf("holds: %v", hs)
	}
}

// F29: an action that gives up on a process it has signalled must not open the way for a lock: the process would end under it.
func TestF29_GivenUpStopIsStillInFlight(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	target := sleeper(t)
	st, err := procStat(target.pid())
	if err != nil {
		t.Fatal(err)
	}
	gaveUp := errors.New("SIGKILL had no effect")
	err = d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStop}, func(p *Permit) error {
		if err := p.Update(func(r *Record) { r.Target, r.TermSent = Proc{target.pid(), st.start}, true }); err != nil {
			return err
		}
		return gaveUp
	})
	if !errors.Is(err, gaveUp) {
		t.Fatal(err)
	}
	_, err = d.Lock(context.Background(), lockReq(ann(), 50*time.Millisecond, "db"))
	wantInFlight(t, d, err, "db")
	target.kill()
	if _, err := d.Lock(context.Background(), lockReq(ann(), LockWait, "db")); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

// F30: a lock on several services that is taken back must not end the time to settle after somebody's release.
func TestF30_UndoneLockKeepsTheSettleTime(t *testing.T) {
	d := groupDir(t)
	mine := lockOf(t, d, bob(), "db")
	if _, err := d.End(context.Background(), EndRequest{IDs: []string{mine[0].ID}, Owner: bob(), Force: true}); err != nil {
		t.Fatal(err)
	}
	before := d.Observe("db").Epoch
	r := lockReq(ann(), time.Second, "@front", "db")
	r.IDs[1] = mine[0].ID // ended: the second target fails, the first is taken back
	var gone *GoneError
	if _, err := d.Lock(context.Background(), r); !errors.As(err, &gone) {
		t.Fatalf("lock with an ended id: %v", err)
	}
	after := d.Observe("db")
	if !after.Cover.Clean() || !before.Release || !after.Epoch.Release || after.Epoch.Boottime != before.Boottime || after.Epoch.Token == before.Token {
		t.Errorf("epoch before %+v, after the undo %+v, cover %+v", before, after.Epoch, after.Cover)
	}
	if web := d.Observe("web").Epoch; web.Release {
		t.Errorf("web was never released, and settles: %+v", web)
	}
}

// F31: who breaks a lock chooses the new id. One that is another lock's would void that lock with the new one's end, or leave the
// broken one without a successor.
func TestF31_BreakWithTheIDOfAnotherLock(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	anns := lockOf(t, d, ann(), "db")[0]
	for _, target := range []string{"web", "db"} {
		bobs := lockOf(t, d, bob(), target)[0]
		if _, err := d.Break(context.Background(), BreakRequest{ID: anns.ID, NewID: bobs.ID, Owner: cat()}); err == nil {
			t.Errorf("broken with the id of the lock on %s", target)
		}
		var ids []string
		for _, l := range d.Cover("db").Locks {
			ids = append(ids, l.Owner.Name)
		}
		if !strings.Contains(strings.Join(ids, " "), "ann") || strings.Contains(strings.Join(ids, " "), "cat") {
			t.Errorf("db is held by %v", ids)
		}
	}
}

// F32: a disk writes a sector whole or not at all, so a record that has one cannot be torn by a power loss into something that nobody
// can read, which would hold the service until somebody removes it.
func TestF32_RecordHasOneSector(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	long := strings.Repeat("why \"not\" ", 40)
	full := Proc{PID: 4194304, Start: 1 << 40}
	err := d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbRestart, Automatic: false, By: long, Reason: long}, func(p *Permit) error {
		if err := p.Update(func(r *Record) { r.Phase, r.Shim, r.Script, r.Target, r.TermSent = "stopping", full, full, full, true }); err != nil {
			return err
		}
		st, err := os.Stat(d.recordPath("db"))
		if err == nil && st.Size() > 512 {
			t.Errorf("the record has %d bytes", st.Size())
		}
		r, err := d.readRecord("db")
		if err == nil && (r.Shim != full || r.Script != full || r.Target != full || r.By == "" || r.Reason == "") {
			t.Errorf("record: %+v", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// F32, with a name as long as may be: what is judged by stays in, and what is for people goes.
func TestF32_LongNamesHaveOneSector(t *testing.T) {
	name, full := strings.Repeat("n", nameBytesMax), Proc{PID: 4194304, Start: 1 << 40}
	r := Record{Format: FormatVersion, Service: name, Verb: VerbRestart, Phase: "stopping", By: "ann", Reason: "why", Since: time.Now(), BootID: bootID(),
		Maker: full, Shim: full, Script: full, Target: full, TermSent: true, Cgroup: Cgroup{"system.slice/supd.service/supd-1234abcd/svc-" + name + "/gen-7", 1 << 40}}
	b := encodeRecord(nil, &r)
	got, err := parseRecord(b, name)
	if err != nil || len(b) > recordBytesMin {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if got.Shim != full || got.Script != full || got.Target != full || !got.TermSent || got.Cgroup.ID != r.Cgroup.ID || got.BootID != r.BootID {
		t.Errorf("%+v", got)
	}
}

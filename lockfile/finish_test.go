package lockfile

import (
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"
)

// leaveTermed leaves what a supd and its helper leave behind when both are killed right after the signal: a free gate, and a record
// that says TERM was sent to a process that ignores it.
func leaveTermed(t *testing.T, d *Dir, pid int) {
	t.Helper()
	st, err := procStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStop, By: "anna"}, func(p *Permit) error {
		p.HandOver()
		return p.Update(func(r *Record) { r.Target, r.TermSent = Proc{pid, st.start}, true })
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestF02_StopThatNobodyLivedToFinishIsFinished(t *testing.T) {
	var told []Record
	path := t.TempDir() + "/state"
	if err := Init(path, true); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Options{Interrupted: func(r Record) { told = append(told, r) }})
	if err != nil {
		t.Fatal(err)
	}
	target := exec.Command("sleep", "1000")
	if err := target.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { target.Process.Kill(); target.Wait() }()
	leaveTermed(t, d, target.Process.Pid)

	lock := LockRequest{
		IDs: []string{NewID()}, Targets: []Target{ServiceTarget("db")}, Wait: 50 * time.Millisecond,
		Owner: Owner{Name: "bert", UID: 7, LoginUID: NoLogin},
	}
	var inFlight *InFlightError
	if _, err := d.Lock(context.Background(), lock); !errors.As(err, &inFlight) {
		t.Fatalf("a lock while the signalled target lives: %v, want in flight", err)
	}
	called := false
	err = d.Finish(context.Background(), "db", func(p *Permit) error {
		called = true
		if err := p.Check("db", VerbStop); err != nil {
			t.Error(err)
		}
		if p.Check("db", VerbStart) == nil {
			t.Error("the permit to finish a stop covers a start")
		}
		if err := target.Process.Kill(); err != nil {
			return err
		}
		return target.Wait()
	})
	var exit *exec.ExitError
	if !called || !errors.As(err, &exit) {
		t.Fatalf("called %v, %v", called, err)
	}
	if len(told) != 1 || told[0].By != "anna" {
		t.Errorf("interruption told: %v", told)
	}
	lock.Wait = LockWait
	if _, err := d.Lock(context.Background(), lock); err != nil {
		t.Errorf("the same lock after it was finished: %v", err)
	}
	if err := d.Finish(context.Background(), "db", func(*Permit) error { t.Error("finished twice"); return nil }); err != nil {
		t.Error(err)
	}
}

func TestFinishDoesNothingWhereNothingIsUnfinished(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	if err := d.Do(context.Background(), Request{Services: []string{"web"}, Verb: VerbStop}, func(p *Permit) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "never"} {
		if err := d.Finish(context.Background(), name, func(*Permit) error { t.Errorf("%s has nothing to finish", name); return nil }); err != nil {
			t.Error(err)
		}
	}
}

func TestHoldsStayWhenTheServiceIsDownAgain(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	if _, err := d.AddHold("db", HoldSpec{Kind: HoldOperatorStop, By: "anna"}); err != nil {
		t.Fatal(err)
	}
	if n, err := d.RemoveHolds(context.Background(), "db", func() bool { return false }); n != 0 || err != nil {
		t.Errorf("removed %d, %v although it is down again", n, err)
	}
	if hs, _ := d.ListHolds("db"); len(hs) != 1 {
		t.Fatalf("holds = %v", hs)
	}
	if n, err := d.RemoveHolds(context.Background(), "db", func() bool { return true }); n != 1 || err != nil {
		t.Errorf("removed %d, %v although it is up", n, err)
	}
}

// A hold that is cleared within the settle time of a release must not end that time.
func TestClearedHoldKeepsTheSettleTime(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	owner := Owner{Name: "anna", UID: 7, LoginUID: NoLogin}
	id := NewID()
	if _, err := d.Lock(context.Background(), LockRequest{IDs: []string{id}, Targets: []Target{ServiceTarget("db")}, Owner: owner}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(context.Background(), EndRequest{IDs: []string{id}, Owner: owner, Force: true}); err != nil {
		t.Fatal(err)
	}
	before := d.Observe("db").Epoch
	if _, err := d.AddHold("db", HoldSpec{Kind: HoldOperatorStop}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.RemoveHolds(context.Background(), "db", nil); err != nil {
		t.Fatal(err)
	}
	after := d.Observe("db").Epoch
	if !before.Release || !after.Release || after.Boottime != before.Boottime || after.Token == before.Token {
		t.Errorf("epoch of the release %+v, after the hold was cleared %+v", before, after)
	}
}

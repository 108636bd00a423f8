package lockfile

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPermitDiesWithItsAction(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	var kept *Permit
	err := d.Do(context.Background(), auto(d, VerbRestart, "db"), func(p *Permit) error {
		kept = p
		for verb, want := range map[Verb]bool{VerbStop: true, VerbStart: true, VerbRestart: true, VerbSignal: true, VerbExec: true, VerbReload: false} {
			if got := p.Check("db", verb) == nil; got != want {
				t.Errorf("restart covers %s: %v", verb, got)
			}
		}
		if p.Check("web", VerbStop) == nil {
			t.Error("covers another service")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if kept.Alive() || kept.Check("db", VerbStop) == nil || kept.Update(func(*Record) {}) == nil || kept.File() != nil {
		t.Error("a permit outlives its action")
	}
	var none *Permit
	if none.Check("db", VerbStop) == nil || none.Alive() {
		t.Error("no permit is a permit")
	}
}

func TestPanicLeavesTheGateShut(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		d.Do(context.Background(), auto(d, VerbStart, "db"), func(*Permit) error { panic("half way") })
	}()
	if r, err := d.readRecord("db"); err != nil || r == nil {
		t.Errorf("the record of an action that nobody finished is gone: %v", err)
	}
}

func TestGateOfAnAbandonedWaitComesFree(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	other, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := other.take(context.Background(), "db", unix.LOCK_EX, gateWait{until: time.Now().Add(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	r := auto(d, VerbStart, "db")
	r.Wait = 20 * time.Millisecond
	for range 3 { // each leaves at most the one thread behind
		var busy *BusyError
		if err := d.Do(context.Background(), r, nothing); !errors.As(err, &busy) {
			t.Fatalf("got %v, want busy", err)
		}
	}
	g.release()
	r.Wait = 10 * time.Second
	if err := d.Do(context.Background(), r, nothing); err != nil {
		t.Error(err)
	}
}

func TestLookAtATakenGateLeavesNothingBehind(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	other, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		g, err := other.take(context.Background(), "db", unix.LOCK_EX, gateWait{until: time.Now().Add(time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.take(context.Background(), "db", unix.LOCK_EX, gateWait{until: time.Now()}); err != errGateTaken {
			t.Fatalf("took a taken gate: %v", err)
		}
		g.release()
		// At once: a look that failed must not stand in the way of the next one.
		if g, err = d.take(context.Background(), "db", unix.LOCK_EX, gateWait{until: time.Now()}); err != nil {
			t.Fatalf("a free gate: %v", err)
		}
		g.release()
	}
}

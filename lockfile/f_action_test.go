package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One test for each flaw of the obvious protocol that the model found and a real machine can show: actions and their gate.

func lockReq(o Owner, wait time.Duration, targets ...string) LockRequest {
	r := LockRequest{Owner: o, Reason: "work", Wait: wait}
	for _, s := range targets {
		tg, err := ParseTarget(s)
		if err != nil {
			panic(err)
		}
		r.Targets, r.IDs = append(r.Targets, tg), append(r.IDs, NewID())
	}
	return r
}

// wantInFlight is a lock whose wait ran out: it stands, and names what it waits for.
func wantInFlight(t *testing.T, d *Dir, err error, service string) *InFlightError {
	t.Helper()
	var e *InFlightError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want in flight", err)
	}
	if e.Service != service || len(d.Cover(service).Locks) == 0 {
		t.Fatalf("in flight on %q with locks %v; want %q with the lock standing", e.Service, d.Cover(service).Locks, service)
	}
	return e
}

func TestF01_GateIsNeverReplaced(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	before, err := os.Stat(d.gatePath("db"))
	if err != nil {
		t.Fatal(err)
	}
	log := record(d)
	l := lockOf(t, d, ann(), "db")[0]
	if _, err := d.Break(context.Background(), BreakRequest{ID: l.ID, NewID: "c1", Owner: bob()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(context.Background(), EndRequest{IDs: []string{"c1"}, Owner: bob(), Force: true}); err != nil {
		t.Fatal(err)
	}
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, op := range log.ops {
		if what, path, _ := strings.Cut(op, " "); strings.HasPrefix(path, "/gates/") && what != "gate" {
			t.Errorf("a gate was touched: %s", op)
		}
	}
	after, err := os.Stat(d.gatePath("db"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("another gate: %v", err)
	}
}

func TestF02_DeadDaemonsSigtermIsStillInFlight(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	service := sleeper(t)
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbStop, As: "target", PID: service.pid()})
	daemon.expect("acting")
	daemon.kill()

	r := lockReq(ann(), 50*time.Millisecond, "db")
	_, err := d.Lock(context.Background(), r)
	e := wantInFlight(t, d, err, "db")
	if e.Record == nil || e.Record.Verb != VerbStop || e.Record.Target.PID != service.pid() {
		t.Errorf("record %+v", e.Record)
	}
	done := make(chan error, 1)
	var res LockResult
	go func() {
		var err error
		r.Wait = 10 * time.Second
		res, err = d.Lock(context.Background(), r) // the same command again waits again, with the same lock
		done <- err
	}()
	service.kill()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(res.Interrupted) != 1 || len(res.Again) != 1 || len(d.Cover("db").Locks) != 1 {
		t.Errorf("interrupted %v, again %v, locks %v", res.Interrupted, res.Again, d.Cover("db").Locks)
	}
}

func TestF03_ScriptOfDeadShimIsStillInFlight(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	script := sleeper(t)
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbStart, As: "script", PID: script.pid()})
	daemon.expect("acting")
	daemon.kill() // gate free, script alive

	var busy *BusyError
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); !errors.As(err, &busy) {
		t.Errorf("a second start while the script runs: %v", err)
	}
	_, err := d.Lock(context.Background(), lockReq(ann(), 50*time.Millisecond, "db"))
	wantInFlight(t, d, err, "db")
	script.kill()
	if _, err := d.Lock(context.Background(), lockReq(ann(), 10*time.Second, "db")); err != nil {
		t.Error(err)
	}
}

func TestF03_ScriptIsRecordedBeforeItRuns(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	err := d.Do(context.Background(), auto(d, VerbStart, "db"), func(p *Permit) error {
		if err := p.Update(func(r *Record) { r.Script = Proc{4711, 42} }); err != nil {
			return err
		}
		// What another process would read now, while the script still waits at its pipe.
		r, err := d.readRecord("db")
		if err != nil || r.Script != (Proc{4711, 42}) {
			t.Errorf("on disk: %+v, %v", r, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestF04_HelperKeepsTheGateOfADeadDaemon(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	daemon := start(t, job{Mode: "act-helper", Path: d.path, Service: "db", Verb: VerbStop})
	var helper int
	if _, err := fmt.Sscanf(daemon.hear(), "helper pid %d", &helper); err != nil {
		t.Fatal(err)
	}
	daemon.kill()
	r := lockReq(ann(), 50*time.Millisecond, "db")
	_, err := d.Lock(context.Background(), r)
	e := wantInFlight(t, d, err, "db")
	if e.Record == nil || e.Record.Shim.PID != helper || e.Record.Phase != "helping" {
		t.Errorf("record %+v, want helper %d", e.Record, helper)
	}
	syscall.Kill(helper, syscall.SIGKILL)
	r.Wait = 10 * time.Second
	res, err := d.Lock(context.Background(), r)
	if err != nil || len(res.Interrupted) != 1 {
		t.Errorf("after the helper's end: %+v, %v", res.Interrupted, err)
	}
}

func TestF04_TimeoutNeverUnlocksARunningAction(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	ctx, cancel := context.WithCancel(context.Background())
	inside, leave, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		done <- d.Do(ctx, auto(d, VerbStart, "db"), func(*Permit) error { inside <- true; <-leave; return nil })
	}()
	<-inside
	cancel()
	_, err := d.Lock(context.Background(), lockReq(ann(), 50*time.Millisecond, "db"))
	wantInFlight(t, d, err, "db")
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestF04_HandOverLeavesGateAndRecord(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	var helper int
	err := d.Do(context.Background(), auto(d, VerbStop, "db"), func(p *Permit) error {
		helper = startHelper(p, job{Path: d.path, Service: "db"})
		p.HandOver()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(helper, syscall.SIGKILL)
	var busy *BusyError
	r := auto(d, VerbStart, "db")
	r.Wait = 50 * time.Millisecond
	if err := d.Do(context.Background(), r, nothing); !errors.As(err, &busy) || busy.Record == nil || busy.Record.Shim.PID != helper {
		t.Errorf("got %v, want busy with helper %d", err, helper)
	}
}

func TestF05_SecondLookInsideTheGate(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	r := auto(d, VerbStart, "db")
	r.Look = func(string) error { return errors.New("it runs already, pid 99") }
	var stale *StaleError
	if err := d.Do(context.Background(), r, func(*Permit) error { t.Error("started a second one"); return nil }); !errors.As(err, &stale) {
		t.Errorf("got %v, want stale", err)
	}
}

func TestF05_DeadStartDropsTheNextDecision(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	decided := auto(d, VerbStart, "db")
	orphan := sleeper(t) // forked just before the daemon died
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbStart})
	daemon.expect("acting")
	daemon.kill()
	_ = orphan
	var stale *StaleError
	if err := d.Do(context.Background(), decided, func(*Permit) error { t.Error("acted on an old look"); return nil }); !errors.As(err, &stale) || stale.Interrupted == nil {
		t.Errorf("got %v, want stale with the interrupted action", err)
	}
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
		t.Errorf("observed anew: %v", err)
	}
}

func TestF06_InterruptedActionIsReportedOnce(t *testing.T) {
	var told []Record
	d := newDir(t, Plan{}, "db")
	d.opts.Interrupted = func(r Record) { told = append(told, r) }
	decided := auto(d, VerbStart, "db")
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbRestart, Phase: PhaseStopped})
	daemon.expect("acting")
	daemon.kill()
	res, err := d.Lock(context.Background(), lockReq(ann(), time.Second, "db"))
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Interrupted) != 1 || len(told) != 1 || told[0].Phase != PhaseStopped {
		t.Errorf("lock says %v, reported %v", res.Interrupted, told)
	}
	d.Do(context.Background(), decided, nothing)
	if rec, err := d.Recover(context.Background()); err != nil || len(rec.Interrupted) != 0 || len(told) != 1 {
		t.Errorf("reported again: %v, %v", rec, told)
	}
}

func TestF06_SuppressedActionTouchesNoRecord(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	lockOf(t, d, ann(), "db")
	log := record(d)
	var held *HeldError
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); !errors.As(err, &held) {
		t.Fatal(err)
	}
	for _, op := range log.ops {
		if strings.HasPrefix(op, "write ") || strings.HasPrefix(op, "unlink ") {
			t.Errorf("suppressed, and yet %s", op)
		}
	}
}

func TestF07_StoppedSupctlDoesNotWedgeOthers(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	supctl := start(t, job{Mode: "stand-in-gate", Path: d.path, Service: "db"})
	supctl.expect("gate <nil>")
	if err := syscall.Kill(supctl.pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(context.Background(), lockReq(bob(), 10*time.Second, "db")); err != nil {
		t.Errorf("second locker beside a stopped one: %v", err)
	}
}

func TestF08_ForeignForkDoesNotKeepTheGate(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	var copyOf *exec.Cmd
	err := d.Do(context.Background(), auto(d, VerbStart, "db"), func(p *Permit) error {
		// As a child that was forked by another thread and has not reached its exec yet: it has the descriptor.
		copyOf = exec.Command("/bin/sleep", "1000")
		copyOf.ExtraFiles = []*os.File{p.File()}
		return copyOf.Start()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { copyOf.Process.Kill(); copyOf.Wait() }()
	if _, err := d.Lock(context.Background(), lockReq(ann(), 10*time.Second, "db")); err != nil {
		t.Errorf("gate still shut: %v", err)
	}
}

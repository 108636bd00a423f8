package hands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// polite goes at TERM and says so; stubborn does not.
const (
	// The child says that it is up: one that is forked and not yet executed still has the shell's handler, which would swallow its SIGTERM.
	polite   = "trap 'echo bye > bye.new; mv bye.new bye; exit 0' TERM; while :; do sh -c 'echo up > up; exec sleep 1000' & wait; done"
	stubborn = "trap 'echo no > no.new; mv no.new no' TERM; echo up > up; while :; do sleep 1000 & wait; done"
)

func TestStop(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec(polite))
		r.await(t, "up")
		res, err := r.stop(r.stopSpec(t, patience))
		// The sleep it was waiting for is left behind and asked in its turn.
		if err != nil || !res.Gone || res.Killed || res.WasDown || len(res.Leftovers) != 1 {
			t.Errorf("%+v %v", res, err)
		}
		r.await(t, "bye")
		if e := ended(t, p); e != (proc.Exit{Known: true}) {
			t.Errorf("exit %s", e)
		}
		assertStopped(t, r)
	})
}

// assertStopped: no note, so that nobody takes it for a crash, no record, no process.
func assertStopped(t *testing.T, r *rig) {
	t.Helper()
	if _, err := r.Notes.Read(service); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("note: %v", err)
	}
	if recs, bad := r.dir.Records(); len(recs)+len(bad) != 0 {
		t.Errorf("records are left: %v %v", recs, bad)
	}
	all, err := proc.All()
	must(t, err)
	for _, s := range all {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.PID))
		if strings.Contains(string(env), "RIG_MARK="+r.path+"\x00") && s.State != 'Z' {
			t.Errorf("pid %d %q lives", s.PID, s.Comm)
		}
	}
}

func TestStopEscalates(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("(setsid sleep 1000 &); "+stubborn))
		r.await(t, "up")
		res, err := r.stop(r.stopSpec(t, 300*time.Millisecond))
		if err != nil || !res.Gone || !res.Killed {
			t.Errorf("%+v %v", res, err)
		}
		r.await(t, "no") // it was asked first
		if e := ended(t, p); e.Signal != int(unix.SIGKILL) {
			t.Errorf("exit %s", e)
		}
		assertStopped(t, r)
	})
}

// A process that is stopped (Ctrl-Z, a debugger) still gets to see the request.
func TestStopOfAStoppedProcess(t *testing.T) {
	r := newRig(t, true)
	p := r.start(t, r.spec(polite))
	r.await(t, "up")
	must(t, p.Signal(unix.SIGSTOP))
	res, err := r.stop(r.stopSpec(t, patience))
	if err != nil || res.Killed {
		t.Errorf("%+v %v", res, err)
	}
	r.await(t, "bye")
}

func TestStopWhatIsDown(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("exit 0"))
		ended(t, p)
		before := r.Table.Len()
		res, err := r.stop(r.stopSpec(t, patience))
		if err != nil || !res.Gone || !res.WasDown || r.Table.Len() != before {
			t.Errorf("%+v %v", res, err)
		}
		assertStopped(t, r)
	})
}

func TestStopNeverHitsAnother(t *testing.T) {
	r := newRig(t, false)
	p := r.start(t, r.spec("exec sleep 1000"))
	s := r.stopSpec(t, 0)
	s.Target.StartTime--
	s.Gen = 99 // the mark in the environment is of another instance
	res, err := r.stop(s)
	if err != nil || !res.WasDown || !p.Alive() {
		t.Errorf("%+v %v alive %v", res, err, p.Alive())
	}
}

func TestStopByCommand(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("trap 'exit 3' USR1; echo up > up; while :; do sleep 1000 & wait; done"))
		r.await(t, "up")
		s := r.stopSpec(t, patience)
		s.Command = &Script{Argv: []string{"sh", "-c", fmt.Sprintf("echo stopping; kill -USR1 %d; exit 7", p.PID())}, Env: CleanEnv(nil, map[string]string{"PATH": "/usr/bin:/bin"})}
		res, err := r.stop(s)
		if err != nil || !res.Gone || res.Killed || res.Script == nil || res.Script.Exit.Code != 7 || res.Script.Tail != "stopping" {
			t.Errorf("%+v %+v %v", res, res.Script, err)
		}
		if e := ended(t, p); e.Code != 3 {
			t.Errorf("exit %s", e)
		}
		assertStopped(t, r)
	})
}

// Restart: the record says that the service is stopped until it is started, under one
// permit.
func TestRestart(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		old := r.start(t, r.spec("exec sleep 1000"))
		spec := r.stopSpec(t, patience)
		var next *proc.Process
		must(t, r.do(lockfile.VerbRestart, func(permit *lockfile.Permit) error {
			if _, err := r.Stop(permit, spec); err != nil {
				return err
			}
			recs, _ := r.dir.Records()
			if len(recs) != 1 || recs[0].Phase != lockfile.PhaseStopped {
				t.Errorf("records between stop and start: %+v", recs)
			}
			var err error
			next, err = r.Start(permit, r.spec("exec sleep 1000"))
			return err
		}))
		ended(t, old)
		if !next.Alive() {
			t.Error("it does not run")
		}
	})
}

// helperOf waits until the record names a living helper that has told its target.
func helperOf(t *testing.T, r *rig, ready func(lockfile.Record) bool) lockfile.Record {
	t.Helper()
	var rec lockfile.Record
	eventually(t, "helper at work", func() bool {
		recs, _ := r.dir.Records()
		if len(recs) == 1 {
			rec = recs[0]
		}
		return rec.Shim.Alive() && ready(rec)
	})
	return rec
}

func termSent(r lockfile.Record) bool { return r.TermSent }

// The helper dies in the middle; supd lives, keeps the gate and finishes.
func TestStopSurvivesItsHelper(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec(stubborn))
		r.await(t, "up")
		spec := r.stopSpec(t, 2*time.Second)
		done := make(chan error, 1)
		var res StopResult
		go func() {
			var err error
			res, err = r.stop(spec)
			done <- err
		}()
		rec := helperOf(t, r, termSent)
		r.await(t, "no")
		must(t, unix.Kill(rec.Shim.PID, unix.SIGKILL))
		must(t, <-done)
		if !res.Gone || !res.Killed || ended(t, p).Signal != int(unix.SIGKILL) {
			t.Errorf("%+v", res)
		}
		if len(r.warns) != 1 || !strings.Contains(r.warns[0], "helper") {
			t.Errorf("warnings: %q", r.warns)
		}
		assertStopped(t, r)
	})
}

// modeStop is a supd that starts a service and stops it, and is killed meanwhile.
func modeStop(r *rig) error {
	err := r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error { _, err := r.Start(permit, r.spec(stubborn)); return err })
	if err != nil {
		return err
	}
	n, err := r.Notes.Read(service)
	if err != nil {
		return err
	}
	for { // until it has set its trap
		if _, err := os.Stat(r.file("up")); err == nil {
			break
		}
		runtime.Gosched()
	}
	_, err = r.stop(StopSpec{Service: service, Target: n.Process, Gen: n.Gen, Cgroup: n.Cgroup, Timeout: time.Second})
	return err
}

// F2: supd dies after SIGTERM; the helper keeps the gate until the service is down, so
// a lock cannot return before.
func TestF02StopSurvivesSupd(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		cmd, _ := r.another(t, "stop")
		rec := helperOf(t, r, termSent)
		target := proc.Identity{BootID: rec.BootID, PID: rec.Target.PID, StartTime: rec.Target.Start}
		must(t, cmd.Process.Kill())
		cmd.Wait()
		if lives, err := target.Lives(); !lives || err != nil {
			t.Fatalf("the service is down already, so this test proves nothing: %v", err)
		}
		me := lockfile.Owner{Name: "ann", UID: int64(os.Getuid()), PID: os.Getpid()}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := r.dir.Lock(ctx, lockfile.LockRequest{IDs: []string{lockfile.NewID()}, Targets: []lockfile.Target{lockfile.ServiceTarget(service)}, Owner: me, Wait: patience})
		must(t, err)
		if lives, err := target.Lives(); lives || err != nil {
			t.Errorf("the lock returned while the stop was under way: %v", err)
		}
		assertStopped(t, r)
	})
}

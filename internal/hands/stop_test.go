package hands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// polite goes at TERM and says so; stubborn does not.
const (
	polite   = "trap 'echo bye > bye.new; mv bye.new bye; exit 0' TERM; echo up > up; while :; do sleep 1000 & wait; done"
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

// Restart: the record says that the service is stopped until it is started, under one permit.
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

// F2: supd dies after SIGTERM; the helper keeps the gate until the service is down, so a lock cannot return before.
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

func TestScript(t *testing.T) {
	r := newRig(t, true)
	env := CleanEnv(nil, map[string]string{"PATH": "/usr/bin:/bin", "RIG_MARK": r.path})
	run := func(s Script) (res ScriptResult, err error) {
		s.Env = env
		err = r.do(lockfile.VerbReload, func(permit *lockfile.Permit) (err error) {
			res, err = r.Run(permit, service, lockfile.VerbReload, s, false)
			return
		})
		return
	}
	for _, c := range []struct {
		name, script string
		timeout      time.Duration
		failed, tail string
	}{
		{"success", "echo hello", 0, "", "hello"},
		{"failure", "echo no such database >&2; exit 4", 0, "exit code 4", "no such database"},
		{"signal", "kill -TERM $$", 0, "killed by SIGTERM", ""},
		{"long output", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done", 0, "", ""},
		{"timeout", "echo begun; sleep 1000 & wait", 300 * time.Millisecond, "killed after", "begun"},
		// Neither the gate nor anything else of the helper: stdin, stdout, stderr, ls's own.
		{"descriptors", "ls /proc/self/fd | wc -l", 0, "", "4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := run(Script{Argv: []string{"sh", "-c", c.script}, Timeout: c.timeout})
			must(t, err)
			if !strings.HasPrefix(res.Failed(), c.failed) || (c.failed == "") != (res.Failed() == "") {
				t.Errorf("failed: %q, want %q", res.Failed(), c.failed)
			}
			if c.name == "long output" {
				if !strings.HasSuffix(res.Tail, "line 1999") || !strings.HasPrefix(res.Tail, "line ") || len(res.Tail) > tailBytesMax {
					t.Errorf("tail of %d bytes: %.40q", len(res.Tail), res.Tail)
				}
			} else if res.Tail != c.tail {
				t.Errorf("tail %q, want %q", res.Tail, c.tail)
			}
		})
	}
	if _, err := run(Script{Argv: []string{"/no/such"}}); err == nil || err.Error() != `cannot run a program for "db": /no/such: no such file or directory` {
		t.Errorf("%v", err)
	}
	assertStopped(t, r)
}

// F3: the helper of a script dies, the script goes on. supd keeps the gate until it is over and does not run it twice.
func TestF03ScriptSurvivesItsHelper(t *testing.T) {
	r := newRig(t, true)
	must(t, unix.Mkfifo(r.file("go"), 0o600))
	done := make(chan error, 1)
	var res ScriptResult
	go func() {
		done <- r.do(lockfile.VerbReload, func(permit *lockfile.Permit) (err error) {
			res, err = r.Run(permit, service, lockfile.VerbReload, r.fifoScript(), false)
			return
		})
	}()
	rec := helperOf(t, r, func(rec lockfile.Record) bool { return rec.Script.Alive() })
	r.await(t, "begun")
	must(t, unix.Kill(rec.Shim.PID, unix.SIGKILL))
	eventually(t, "helper gone", func() bool { return !rec.Shim.Alive() })
	assertBusy(t, r)
	must(t, os.WriteFile(r.file("go"), []byte("x\n"), 0o600))
	must(t, <-done)
	if got := r.await(t, "begun"); got != "begun" {
		t.Errorf("the script ran again: %q", got)
	}
	if r.await(t, "over") != "over" || res.TimedOut {
		t.Errorf("%+v", res)
	}
}

func (r *rig) fifoScript() Script {
	return Script{Argv: []string{"sh", "-c", "cd " + r.path + "; echo begun >> begun; read x < go; echo over >> over"}, Env: CleanEnv(nil, map[string]string{"PATH": "/usr/bin:/bin", "RIG_MARK": r.path})}
}

// assertBusy: nobody passes the gate.
func assertBusy(t *testing.T, r *rig) {
	t.Helper()
	me := lockfile.Owner{Name: "test", UID: int64(os.Getuid()), PID: os.Getpid()}
	err := r.dir.Do(context.Background(), lockfile.Request{Services: []string{service}, Verb: lockfile.VerbStart, Actor: me, Wait: 20 * time.Millisecond},
		func(*lockfile.Permit) error { return errors.New("passed") })
	var busy *lockfile.BusyError
	if !errors.As(err, &busy) {
		t.Errorf("the gate: %v", err)
	}
}

// modeScript is a supd that runs a script, and is killed meanwhile.
func modeScript(r *rig) error {
	return r.do(lockfile.VerbReload, func(permit *lockfile.Permit) error {
		_, err := r.Run(permit, service, lockfile.VerbReload, r.fifoScript(), false)
		return err
	})
}

// F3: supd and the helper both die. The script lives, so the action does: the record keeps everybody out until it is over.
func TestF03ScriptSurvivesSupdAndHelper(t *testing.T) {
	r := newRig(t, true)
	must(t, unix.Mkfifo(r.file("go"), 0o600))
	cmd, _ := r.another(t, "script")
	rec := helperOf(t, r, func(rec lockfile.Record) bool { return rec.Script.Alive() })
	r.await(t, "begun")
	must(t, cmd.Process.Kill())
	cmd.Wait()
	assertBusy(t, r) // the helper has the gate
	must(t, unix.Kill(rec.Shim.PID, unix.SIGKILL))
	eventually(t, "helper gone", func() bool { return !rec.Shim.Alive() })
	assertBusy(t, r) // nobody has it, but the record is alive
	must(t, os.WriteFile(r.file("go"), []byte("x\n"), 0o600))
	r.await(t, "over")
	eventually(t, "script gone", func() bool { return !rec.Script.Alive() })
	var stale *lockfile.StaleError
	if err := r.startErr(r.spec("exit")); !errors.As(err, &stale) || stale.Interrupted == nil {
		t.Errorf("the interrupted action is not reported: %v", err)
	}
}

// modeKilledHeld dies between the fork and the record, without cgroups.
func modeKilledHeld(r *rig) error {
	return r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		s := r.spec("touch ran")
		x := execOrder{Path: "/bin/sh", Argv: s.Argv, Dir: r.path, Env: r.env(&s)}
		_, err = startHeld(r.Table, r.exe(), service, x, [3]*os.File{null, os.Stdout, null}, nil, func(id proc.Identity) error {
			fmt.Println(id.PID, id.StartTime)
			return unix.Kill(os.Getpid(), unix.SIGKILL)
		})
		return err
	})
}

// F5b: the child of a supd that died before it had written down who the child is does nothing.
func TestF05HeldChildOfADeadSupdDoesNothing(t *testing.T) {
	r := newRig(t, false)
	cmd, out := r.another(t, "killed-held")
	line, err := out.ReadString('\n')
	must(t, err)
	var child lockfile.Proc
	if _, err := fmt.Sscan(line, &child.PID, &child.Start); err != nil {
		t.Fatalf("%q %v", line, err)
	}
	cmd.Wait()
	eventually(t, "held child gone", func() bool { return !child.Alive() })
	if _, err := os.Stat(r.file("ran")); err == nil {
		t.Error("it ran")
	}
	assertStopped2(t, r)
}

// assertStopped2: nothing lives and nothing is known, but the dead action is reported to whoever comes next.
func assertStopped2(t *testing.T, r *rig) {
	t.Helper()
	if _, err := r.Notes.Read(service); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("note: %v", err)
	}
	var stale *lockfile.StaleError
	if err := r.startErr(r.spec("exit")); !errors.As(err, &stale) || stale.Interrupted == nil || stale.Interrupted.Verb != lockfile.VerbStart {
		t.Errorf("the interrupted start is not reported: %v", err)
	}
	ended(t, r.start(t, r.spec("exit 0")))
}

// modeKilledFork dies right after the fork into the cgroup, before anything was written.
func modeKilledFork(r *rig) error {
	return r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error {
		g, err := r.Cgroups.Make(service, 7)
		if err != nil {
			return err
		}
		s := r.spec("echo up > up; exec sleep 1000")
		p, err := r.Table.Start(proc.Attr{Path: "/bin/sh", Argv: s.Argv, Dir: r.path, Env: r.env(&s), Files: []uintptr{0, 1, 2}, Cgroup: g})
		if err != nil {
			return err
		}
		fmt.Println(p.PID())
		return unix.Kill(os.Getpid(), unix.SIGKILL)
	})
}

// F5a: with cgroups the child runs, and the next supd finds it by its cgroup and starts no second.
func TestF05ChildOfADeadSupdIsFoundByItsCgroup(t *testing.T) {
	r := newRig(t, true)
	cmd, out := r.another(t, "killed-fork")
	line, err := out.ReadString('\n')
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	cmd.Wait()
	r.await(t, "up")
	r.startErr(r.spec("exit")) // reports the dead action
	var running *RunningError
	if err := r.startErr(r.spec("touch second")); !errors.As(err, &running) || running.PIDs[0] != pid {
		t.Errorf("a second start: %v", err)
	}
	l, err := r.Look(service)
	if err != nil || l.Main.PID != pid || l.Gen != 7 || !r.Cgroups.Generation(service, 7).Contains(pid) || l.DiedUnseen || len(l.Leftovers) != 0 {
		t.Errorf("%+v %v", l, err)
	}
}

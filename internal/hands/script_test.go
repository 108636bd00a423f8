package hands

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

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
		// Neither the gate nor anything else of the helper: stdin, stdout, stderr, ls's
		// own.
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

// F3: the helper of a script dies, the script goes on. supd keeps the gate until it is
// over and does not run it twice.
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

// F3: supd and the helper both die. The script lives, so the action does: the record
// keeps everybody out until it is over.
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

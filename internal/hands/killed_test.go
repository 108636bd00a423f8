package hands

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// modeKilledHeld dies between the fork and the record, without cgroups.
func modeKilledHeld(r *rig) error {
	return r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		s := r.spec("touch ran")
		x := execOrder{Path: "/bin/sh", Argv: s.Argv, Dir: r.path, Env: r.env(&s)}
		_, err = startHeld(r.Table, r.exe(), service, x, given{stdio: [3]*os.File{null, os.Stdout, null}}, nil, func(id proc.Identity) error {
			fmt.Println(id.PID, id.StartTime)
			return unix.Kill(os.Getpid(), unix.SIGKILL)
		})
		return err
	})
}

// F5b: the child of a supd that died before it had written down who the child is does
// nothing.
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
	assertInterrupted(t, r)
}

// assertInterrupted: nothing lives and nothing is known, but the dead action is
// reported to whoever comes next.
func assertInterrupted(t *testing.T, r *rig) {
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

// modeKilledFork dies right after the fork into the cgroup, before anything was
// written.
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

// F5a: with cgroups the child runs, and the next supd finds it by its cgroup and starts
// no second.
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

package proc

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Attr says what to start and how.
type Attr struct {
	Path      string // absolute, or relative to supd's own directory
	Argv      []string
	Dir       string
	Env       []string
	Files     []uintptr // become 0, 1, 2, …; everything else is closed
	Held      []uintptr // the child has them until its exec, whoever forks it: the gate that the start has passed
	User      *User     // nil: as supd
	Cgroup    *Cgroup   // nil: supd's own
	Group     bool      // own process group instead of own session
	KillGroup bool      // when it ends, kill what is left of its process group before it is reaped
	// Prepare is called when the program was executed and has not run its first
	// instruction; an error ends it. It must not block. nil: a start that is not traced.
	Prepare func(pid int) error
}

// Start forks and executes: it returns when the program runs. The child is in the table
// from its first instant, so that neither its exit nor the reaper can slip in between.
// Errors are those of the fork or the exec, unwrapped as syscall.Errno. Signals are at
// their defaults and unblocked; the descriptor limit is what supd was started with
// (Go's runtime sees to that). With Prepare, *PrepareError if that failed and
// *UntraceableError where it may not be asked for. For internal/hands and Run only.
func (t *Table) Start(a Attr) (*Process, error) {
	pidfd := -1
	sys := &syscall.SysProcAttr{Setsid: !a.Group, Setpgid: a.Group, Ptrace: a.Prepare != nil}
	if a.User != nil {
		sys.Credential = &syscall.Credential{Uid: a.User.UID, Gid: a.User.GID, Groups: a.User.Groups}
		// Only root may set groups; an ordinary user can ask for nobody but himself.
		sys.Credential.NoSetGroups = unix.Geteuid() != 0
	}
	attr := &syscall.ProcAttr{Dir: a.Dir, Env: a.Env, Files: a.Files, Sys: sys}

	tryOpen(a.Path, a.Dir)
	// Not a lock over the fork: an exec that hangs would stop every other start.
	t.mu.Lock()
	t.forking++
	t.mu.Unlock()
	defer t.forked()

	var pid int
	var err, unprepared error
	elsewhere := false
	if t.forker != nil && a.Prepare == nil {
		pid, err, elsewhere = t.forker.forkExec(forkJob{path: a.Path, argv: a.Argv, attr: attr, held: a.Held, in: a.Cgroup})
	}
	if !elsewhere {
		sys.PidFD = &pidfd // a thread of the forker's would have it in its own table
		pid, err, unprepared = forkTraced(a, attr)
	}
	switch {
	case err != nil && a.Prepare != nil && untraceable(err):
		return nil, &UntraceableError{err}
	case err != nil:
		return nil, err
	case unprepared != nil:
		if pidfd >= 0 {
			unix.Close(pidfd)
		}
		end(pid)
		return nil, unprepared
	}
	if pidfd < 0 { // the forker's, or a kernel without CLONE_PIDFD; the child is ours and unreaped, so the number is safe
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			return nil, t.disown(pid, err)
		}
	}
	id, err := identify(pidfd, pid, t.bootID)
	if err != nil {
		unix.Close(pidfd)
		return nil, t.disown(pid, err)
	}
	p := &Process{table: t, id: id, fd: pidfd, child: true, killGroup: a.KillGroup}
	if err := t.insert(p); err != nil {
		unix.Close(pidfd)
		return nil, t.disown(pid, err)
	}
	return p, nil
}

// tryOpen does what the child will do, and hangs where that hangs (a dead file server): here one goroutine does. Between fork
// and exec it would be the whole of supd from the next collection on, since the runtime cannot stop a thread that is in a
// clone(2) with CLONE_VFORK. Whether it works is for the exec to say.
func tryOpen(program, dir string) {
	var st unix.Stat_t
	if dir != "" {
		_ = unix.Stat(dir, &st)
	}
	if unix.Stat(program, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if fd, err := unix.Open(program, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(fd)
	}
}

// forkTraced forks on a thread of the caller's, which a tracer has to be (ptrace(2)), and prepares the child if that is asked.
func forkTraced(a Attr, attr *syscall.ProcAttr) (pid int, err, unprepared error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if a.Prepare != nil {
		defer watchFork()()
	}
	if pid, err = forkIn(a.Cgroup, a.Path, a.Argv, attr); err == nil && a.Prepare != nil {
		unprepared = prepare(pid, a.Prepare)
	}
	return pid, err, unprepared
}

// disown ends a child that cannot be watched: a process that supd cannot see must not
// run.
func (t *Table) disown(pid int, cause error) error {
	end(pid)
	return fmt.Errorf("cannot watch the new process: %w", cause)
}

// end kills a child that nobody else knows of, and reaps it.
func end(pid int) {
	unix.Kill(-pid, unix.SIGKILL)
	unix.Kill(pid, unix.SIGKILL)
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &ws, 0, nil); err == nil && (ws.Exited() || ws.Signaled()) || err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
	}
}

// forked ends what began with forking++.
func (t *Table) forked() {
	t.mu.Lock()
	t.forking--
	due := t.reapDue && t.forking == 0
	if due {
		t.reapDue = false
	}
	t.mu.Unlock()
	if due {
		t.reapOrphans()
	}
}

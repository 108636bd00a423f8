package proc

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A traced start: the child asks to be traced (PTRACE_TRACEME), stops at its exec before
// the program's first instruction, is prepared from outside, and is let go. It costs
// some microseconds, where a preparation in the child costs the start of a helper.
//
// If supd dies meanwhile, the kernel kills the child (PTRACE_O_EXITKILL, Linux 3.8): a
// program does not run unprepared. The option can only be set once the child has stopped;
// a supd that is killed in the microseconds before leaves it running.

// PrepareError: the child was executed, could not be prepared, and was ended before its
// first instruction.
type PrepareError struct{ Err error }

func (e *PrepareError) Error() string { return e.Err.Error() }
func (e *PrepareError) Unwrap() error { return e.Err }

// UntraceableError: the child could not be forked under trace. EPERM may have another
// cause than a rule against tracing; a start without Prepare tells.
type UntraceableError struct{ Err error }

func (e *UntraceableError) Error() string { return "cannot trace the new process: " + e.Err.Error() }
func (e *UntraceableError) Unwrap() error { return e.Err }

// cldTrapped is si_code of a traced child that has stopped.
const cldTrapped = 4

// stuckAfter is how long a fork may take before it is looked whether the child stands
// still: a signal that meets it between PTRACE_TRACEME and the exec stops it, and nobody
// would let it go on.
const stuckAfter = 2 * time.Second

// prepare waits until the traced child pid has stopped at its exec, has f prepare it and
// lets it go. A child that has ended by itself is no error: its exit will be told. To be
// called on the thread that forked it.
func prepare(pid int, f func(pid int) error) error {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &PrepareError{fmt.Errorf("cannot wait for the new process: %w", err)}
		}
		if info.Code != cldTrapped {
			return nil
		}
		var ws unix.WaitStatus // takes the stop, and tells the signal
		if _, err := unix.Wait4(pid, &ws, unix.WALL|unix.WUNTRACED|unix.WNOHANG, nil); err != nil {
			return &PrepareError{fmt.Errorf("cannot wait for the new process: %w", err)}
		}
		if sig := ws.StopSignal(); sig != unix.SIGTRAP {
			// Somebody's signal: it goes where it was sent.
			if err := unix.PtraceCont(pid, int(sig)); err != nil && !errors.Is(err, unix.ESRCH) {
				return &PrepareError{fmt.Errorf("cannot let the new process go on: %w", err)}
			}
			continue
		}
		if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL); err == nil {
			if err := f(pid); err != nil {
				return &PrepareError{err}
			}
		} else if !errors.Is(err, unix.ESRCH) {
			return &PrepareError{fmt.Errorf("cannot hold on to the new process: %w", err)}
		}
		// ESRCH: killed meanwhile, which its exit tells.
		if err := unix.PtraceDetach(pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return &PrepareError{fmt.Errorf("cannot let the new process go: %w", err)}
		}
		return nil
	}
}

// watchFork ends a child of the calling thread that stops before its exec, for as long
// as stop was not called: the fork waits for that exec.
func watchFork() (stop func()) {
	tracer := unix.Gettid()
	over := make(chan struct{})
	t := time.NewTimer(stuckAfter)
	go func() {
		defer t.Stop()
		for {
			select {
			case <-over:
				return
			case <-t.C:
				killStopped(tracer)
				t.Reset(stuckAfter)
			}
		}
	}()
	return func() { close(over) }
}

// killStopped kills what stands still under this tracer.
func killStopped(tracer int) {
	all, err := All()
	if err != nil {
		return
	}
	for _, s := range all {
		// A child of this process, so its number is its own until it is reaped here.
		if s.State == 't' && tracerOf(s.PID) == tracer {
			_ = unix.Kill(s.PID, unix.SIGKILL)
		}
	}
}

// untraceable says whether this may be the answer of a kernel that lets no child be
// traced: yama, seccomp, or a container's rules.
func untraceable(err error) bool {
	var e syscall.Errno
	return errors.As(err, &e) && (e == unix.EPERM || e == unix.EACCES || e == unix.ENOSYS || e == unix.EIO)
}

package proc

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What is prepared is in force before the program's first instruction, and a failure ends
// it before that.
func TestPrepare(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, "echo $(ulimit -n)", func(a *Attr) {
		a.Prepare = Rlimit{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: 77, Hard: 77}.SetOf
	})
	if got := k.heard(t); got != "77" {
		t.Errorf("nofile %s", got)
	}
	ran := t.TempDir() + "/ran"
	boom := errors.New("boom")
	var unprepared *PrepareError
	if _, err := tryShell(table, "touch "+ran, func(a *Attr) { a.Prepare = func(int) error { return boom } }); !errors.As(err, &unprepared) || !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("an unprepared program ran")
	}
}

// A child that is killed while it is prepared is a process that ended, and reaped by the
// table like any other.
func TestKilledWhilePrepared(t *testing.T) {
	table := newTable(t)
	must(t, table.ReapOrphans())
	k, err := tryShell(table, "exit 0", func(a *Attr) { a.Prepare = func(pid int) error { return unix.Kill(pid, unix.SIGKILL) } })
	must(t, err)
	if e := ended(t, k.Process); e.Signal != int(unix.SIGKILL) {
		t.Errorf("%s", e)
	}
}

// modeTracer is a supd that dies in the middle of a traced start.
func modeTracer() error {
	table, err := NewTable()
	if err != nil {
		return err
	}
	_, err = table.Start(Attr{Path: "/bin/sh", Argv: []string{"sh", "-c", "touch \"$RAN\""}, Env: os.Environ(), Files: []uintptr{0, 1, 2}, Prepare: func(pid int) error {
		fmt.Println(pid)
		var b [1]byte
		_, err := os.Stdin.Read(b[:]) // until it is killed
		return err
	}})
	return err
}

// Killed at its most delicate instant, supd leaves no program behind that runs without
// its limits.
func TestNoUnpreparedProgramOutlivesSupd(t *testing.T) {
	ran := t.TempDir() + "/ran"
	cmd, _, out := another(t, "tracer", "RAN="+ran)
	line, err := out.ReadString('\n')
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	fd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, cmd.Process.Kill())
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := pollRetry(fds, int(patience.Milliseconds())); n != 1 || err != nil {
		t.Fatalf("the child lives: %d %v", n, err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program ran without what was to be prepared")
	}
}

// A child that stands still before its exec would hang its fork for ever.
func TestStuckChildIsEnded(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}})
	must(t, err)
	var ws unix.WaitStatus
	_, err = unix.Wait4(pid, &ws, 0, nil)
	must(t, err)
	if !ws.Stopped() {
		t.Fatalf("it does not stand still: %v", ws)
	}
	killStopped(unix.Gettid() + 1<<20) // another tracer's
	if st, err := ReadStat(pid); err != nil || st.State != 't' {
		t.Errorf("somebody else's was killed: %v %v", st.State, err)
	}
	killStopped(unix.Gettid())
	_, err = unix.Wait4(pid, &ws, 0, nil)
	must(t, err)
	if ws.Signal() != unix.SIGKILL {
		t.Errorf("%v", ws)
	}
}

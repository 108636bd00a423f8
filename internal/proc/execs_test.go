package proc

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/supd/supd/internal/await"
)

func listenExecs(t *testing.T) *Execs {
	t.Helper()
	e, err := ListenExecs()
	if err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skip("needs root or kernel 6.6:", err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestExecsTellsOfAProgram(t *testing.T) {
	e := listenExecs(t)
	told := make(chan int, 1)
	go func() {
		for {
			pid, err := e.Next()
			if err != nil && !errors.Is(err, ErrExecsLost) {
				return
			}
			told <- pid
		}
	}()
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	end := time.After(await.Patience)
	for {
		select {
		case pid := <-told:
			if pid == cmd.Process.Pid {
				return
			}
		case <-end:
			t.Fatal("it was not told")
		}
	}
}

// The kernel tells all listeners what it answers to one: a refusal of somebody else's request is not this one's.
func TestExecsAnswerOfSomebodyElse(t *testing.T) {
	listenExecs(t) // has had an answer that was its own
	mine, others := execsRequest(procListen, 8), execsRequest(procListen, 9)
	if !answers(mine, 7) || answers(others, 7) || answers(mine[:execsAck], 7) {
		t.Error("answers are told apart by nothing")
	}
}

func TestExecsCloseWakesTheReader(t *testing.T) {
	e := listenExecs(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := e.Next(); err != nil && !errors.Is(err, ErrExecsLost) {
				return
			}
		}
	}()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(await.Patience):
		t.Fatal("Next goes on waiting")
	}
}

// Forks and exits must wake nobody: the filter is in the kernel.
func TestExecsFilter(t *testing.T) {
	e := listenExecs(t)
	if err := e.f.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do (:) ; done")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	for {
		n, err := e.f.Read(buf)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			return
		}
		// The kernel's answer to somebody else who begins to listen is told to all.
		if what, _ := word(buf[:n], execsWhat); what != procExec && what != procNone {
			t.Fatalf("woken by event %#x", what)
		}
	}
}

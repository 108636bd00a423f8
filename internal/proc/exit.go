package proc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Exit is how a process ended. Code and Signal mean nothing unless Known is set: an
// unknown exit is never read as 0.
type Exit struct {
	Known    bool `json:"known"`
	Code     int  `json:"code"`             // exit code 0–255 when Signal is 0
	Signal   int  `json:"signal,omitempty"` // number of the signal that killed it
	CoreDump bool `json:"core_dump,omitempty"`
}

// String says it in words: "exit code 1", "killed by SIGSEGV (core dumped)", "exit
// status unknown".
func (e Exit) String() string {
	switch {
	case !e.Known:
		return "exit status unknown"
	case e.Signal == 0:
		return fmt.Sprintf("exit code %d", e.Code)
	}
	s := "killed by " + SignalName(e.Signal)
	if e.CoreDump {
		s += " (core dumped)"
	}
	return s
}

// SignalName is "SIGTERM" for 15, and "signal 35" where there is no name.
func SignalName(n int) string {
	if s := unix.SignalName(unix.Signal(n)); s != "" {
		return s
	}
	return fmt.Sprintf("signal %d", n)
}

// exitOfWait decodes the status word of wait(2), which the kernel also shows in
// /proc/PID/stat and in PIDFD_GET_INFO.
func exitOfWait(w unix.WaitStatus) Exit {
	if w.Signaled() {
		return Exit{Known: true, Signal: int(w.Signal()), CoreDump: w.CoreDump()}
	}
	return Exit{Known: true, Code: w.ExitStatus()}
}

package core

import "fmt"

// verdict is what an exit means.
type verdict uint8

const (
	crash      verdict = iota
	deliberate         // somebody stopped it: held
	again              // a clean end that the policy answers with a start
	finished           // a oneshot that ended well
)

// The signals and shell-style exit codes of somebody who stops a service.
const (
	sigHUP, sigINT, sigQUIT, sigKILL, sigTERM = 1, 2, 3, 9, 15
	codeSignalBase                            = 128
)

// judge says what an exit that supd did not cause means under the spec. A crash under the hands of somebody who works in
// the data of a stateful service is held like a stop: they forgot the lock.
func (sp *Spec) judge(e Exit) verdict {
	v := sp.judgeStatus(e)
	if v == crash && e.AtWork != "" && sp.Stateful && sp.OperatorStop != ChooseRestart {
		return deliberate
	}
	return v
}

// judgeStatus is judge by how the process ended alone.
func (sp *Spec) judgeStatus(e Exit) verdict {
	stop := deliberate
	if sp.OperatorStop == ChooseRestart {
		stop = again
	}
	switch {
	case !e.Known && e.PidfileRemoved:
		return stop
	case !e.Known && e.PidfileLeft:
		return crash
	case !e.Known && sp.holdsUnknown():
		return deliberate
	case !e.Known, e.ByMemoryKiller, e.OOM && e.Signal == sigKILL:
		// Out of memory kills by SIGKILL. A worker that it took yesterday says nothing about
		// who ended the service today.
		return crash
	case e.Signal == sigKILL && e.FromSession:
		return stop
	case stopSignal(e.Signal), e.Signal == 0 && e.Code > codeSignalBase && stopSignal(e.Code-codeSignalBase):
		return stop
	case e.Signal != 0 || e.Code != 0:
		return crash
	case sp.Oneshot:
		return finished
	case sp.Policy == Always:
		return again
	}
	return stop
}

// holdsUnknown is what unknown_exit says, or its default.
func (sp *Spec) holdsUnknown() bool {
	return sp.UnknownExit == ChooseHold || (sp.UnknownExit == "" && sp.Stateful)
}

func stopSignal(n int) bool {
	return n == sigTERM || n == sigINT || n == sigQUIT || n == sigHUP
}

// String says how the process ended.
func (e Exit) String() string {
	var t string
	switch {
	case !e.Known:
		t = "ended, exit status unknown"
	case e.Signal != 0:
		t = fmt.Sprintf("was killed by signal %d", e.Signal)
		if n, ok := signalNames[e.Signal]; ok {
			t = "was killed by SIG" + n
		}
	default:
		t = fmt.Sprintf("exited with code %d", e.Code)
	}
	switch {
	case e.OOM:
		t += ", out of memory"
	case e.ByMemoryKiller:
		t += ", by a memory killer"
	case e.CoreDump:
		t += ", core dumped"
	case e.PidfileRemoved:
		t += ", its pidfile removed"
	}
	if e.Sender != "" {
		t += ", sent by " + e.Sender
	}
	return t
}

// signalNames are Linux's numbers on the architectures that Go has in common.
var signalNames = map[int]string{
	1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL",
	10: "USR1", 11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ", 31: "SYS",
}

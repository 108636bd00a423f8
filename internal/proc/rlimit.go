package proc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Rlimit is one limit of setrlimit(2).
type Rlimit struct {
	Key      string `json:"key"`      // how the config calls it, for errors
	Resource int    `json:"resource"` // RLIMIT_…
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
	Fixed    bool   `json:"fixed,omitempty"` // a process that runs cannot be given it
}

// Set gives the limit to this process.
func (l Rlimit) Set() error {
	if err := unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}); err != nil {
		return l.refused(err, 0)
	}
	return nil
}

// SetOf gives the limit to the process pid, which the caller has to keep from being
// reaped meanwhile.
func (l Rlimit) SetOf(pid int) error {
	if err := unix.Prlimit(pid, l.Resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil); err != nil {
		return l.refused(err, pid)
	}
	return nil
}

// LimitError: the kernel did not take a limit.
type LimitError struct {
	Rlimit
	Why string
	Err error
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("cannot set %s = %s: %v%s", e.Key, e.text(), e.Err, e.Why)
}
func (e *LimitError) Unwrap() error { return e.Err }

// refused says what a person can do: the kernel has EPERM for a hard limit that may not
// be raised, and for nofile above fs.nr_open.
func (l Rlimit) refused(err error, pid int) error {
	e := &LimitError{Rlimit: l, Err: err}
	var now unix.Rlimit
	if unix.Prlimit(pid, l.Resource, nil, &now) != nil || !errors.Is(err, unix.EPERM) {
		return e
	}
	switch most := nrOpen(); {
	case l.Resource == unix.RLIMIT_NOFILE && most > 0 && l.Hard > most:
		e.Why = fmt.Sprintf(" (fs.nr_open is %d)", most)
	case l.Hard > now.Max:
		e.Why = fmt.Sprintf(" (the hard limit that supd was started with is %s: raise that of supd, or run supd as root)", amount(now.Max))
	}
	return e
}

func (l Rlimit) text() string {
	if l.Soft == l.Hard {
		return amount(l.Soft)
	}
	return amount(l.Soft) + ":" + amount(l.Hard)
}

func amount(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// nrOpen is the highest nofile that anybody may have; 0 if unknown.
func nrOpen() uint64 {
	b, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// tracerOf is the thread that traces a process; 0 for none.
func tracerOf(pid int) int {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "TracerPid:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(v))
			return n
		}
	}
	return 0
}

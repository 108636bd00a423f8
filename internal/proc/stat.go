package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// statBytesMax holds the longest line the kernel prints: 52 fields of at most 20 digits
// and a name of 64 bytes.
const statBytesMax = 2048

// Stat is what /proc/PID/stat says. Times are in clock ticks (100 a second on every
// Linux that Go runs on).
type Stat struct {
	PID       int
	Comm      string // at most 15 bytes, chosen by the process
	State     byte   // R S D Z T t X I. A multi-threaded process whose first thread left shows Z and is alive
	PPID      int
	PGRP      int
	Session   int
	UTime     uint64
	STime     uint64
	Threads   int
	StartTime uint64
	RSS       uint64 // bytes
	WaitCode  int    // field 52: wait status of a zombie; 0 also if the reader may not see it

	flags  uint64 // field 9
	envEnd uint64 // field 51: address; 0 also if the reader may not see it
}

// kernelThread is PF_KTHREAD of the kernel's include/linux/sched.h.
const kernelThread = 0x00200000

// executing is true while the process is in the middle of execve(2): it has its new
// memory, and nothing in it yet. What may be read of its environment is empty.
func (s *Stat) executing() bool { return s.envEnd == 0 && s.flags&kernelThread == 0 && s.State != 'Z' }

// ReadStat reads /proc/PID/stat once. ErrGone if there is no such process.
func ReadStat(pid int) (Stat, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Stat{}, statError(pid, err)
	}
	defer unix.Close(fd)
	var buf [statBytesMax]byte
	n, err := readRetry(fd, buf[:])
	if err != nil {
		return Stat{}, statError(pid, err)
	}
	var s Stat
	err = s.parse(buf[:n], true)
	return s, err
}

func readRetry(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Pread(fd, buf, 0)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// statError maps what the kernel says about a reaped process (ENOENT on open, ESRCH on
// read) to ErrGone.
func statError(pid int, err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) || err == io.EOF {
		return ErrGone
	}
	return fmt.Errorf("cannot read \"/proc/%d/stat\": %w", pid, err)
}

// parse fills s from one line. The name may hold spaces and brackets, so fields count
// from the last ")". Without withName nothing is allocated.
func (s *Stat) parse(b []byte, withName bool) error {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open || end+2 >= len(b) {
		return fmt.Errorf("cannot parse a process's stat line %q", b)
	}
	pid, _ := number(b, 0)
	s.PID = int(pid)
	if withName {
		s.Comm = string(b[open+1 : end])
	}
	s.State = b[end+2]
	at := end + 4
	for field := 4; field <= 52 && at < len(b); field++ {
		var v int64
		v, at = number(b, at)
		switch field {
		case 4:
			s.PPID = int(v)
		case 5:
			s.PGRP = int(v)
		case 6:
			s.Session = int(v)
		case 9:
			s.flags = uint64(v)
		case 14:
			s.UTime = uint64(v)
		case 15:
			s.STime = uint64(v)
		case 20:
			s.Threads = int(v)
		case 22:
			s.StartTime = uint64(v)
		case 24:
			s.RSS = uint64(v) * uint64(os.Getpagesize())
		case 51:
			s.envEnd = uint64(v)
		case 52:
			s.WaitCode = int(v)
		}
	}
	return nil
}

// number reads the decimal at b[at:] and returns where the next one begins. A value
// beyond int64 wraps: only addresses are that large.
func number(b []byte, at int) (int64, int) {
	neg := false
	if at < len(b) && b[at] == '-' {
		neg = true
		at++
	}
	var v int64
	for ; at < len(b) && b[at] >= '0' && b[at] <= '9'; at++ {
		v = v*10 + int64(b[at]-'0')
	}
	if neg {
		v = -v
	}
	return v, at + 1
}

package lockfile

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// bootID names this boot of the kernel; "" where /proc is not to be had, which equals no
// recorded boot.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// selfProc identifies the calling process. It stays the same when the process executes another
// program.
func selfProc() Proc {
	start, _, _ := procStat(os.Getpid())
	return Proc{os.Getpid(), start}
}

// procStat reads a process's start time (/proc/PID/stat field 22, clock ticks since boot) and
// state letter.
func procStat(pid int) (start uint64, state byte, err error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// The name, field 2, may hold spaces and brackets: count from the last bracket.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return 0, 0, os.ErrInvalid
	}
	start, err = strconv.ParseUint(string(f[19]), 10, 64)
	return start, f[0][0], err
}

// Alive says whether this very process runs. A zombie is dead. A process that cannot be looked
// at, though something has its pid, counts as alive: unsure means wait.
func (p Proc) Alive() bool {
	if p.PID <= 0 {
		return false
	}
	start, state, err := procStat(p.PID)
	switch {
	case err == nil:
		return start == p.Start && state != 'Z' && state != 'X'
	case os.IsNotExist(err) || strings.Contains(err.Error(), "no such process"):
		return false
	}
	return true
}

// alive says whether the action of a record can still have an effect, its maker aside: the
// maker holds the gate or is out of it.
func (d *Dir) alive(r *Record) bool {
	if r.BootID != d.boot || r.Phase == PhaseDone {
		return false
	}
	if r.Shim.Alive() || r.Script.Alive() || r.TermSent && r.Target.Alive() {
		return true
	}
	return r.UnitJob != "" && (d.opts.JobListed == nil || d.opts.JobListed(r.UnitJob))
}

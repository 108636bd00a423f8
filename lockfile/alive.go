package lockfile

import (
	"bytes"
	"cmp"
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
	s, _ := procStat(os.Getpid())
	return Proc{os.Getpid(), s.start}
}

// stat is what /proc/PID/stat says of a process (proc_pid_stat(5)).
type stat struct {
	state          byte   // field 3
	group, session int    // fields 5 and 6
	start          uint64 // field 22, clock ticks since boot
}

// dead: it has ended, and its parent has not looked yet.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

func procStat(pid int) (stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	// The name, field 2, may hold spaces and brackets: count from the last bracket.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return stat{}, os.ErrInvalid
	}
	s := stat{state: f[0][0]}
	var bad [3]error
	s.group, bad[0] = strconv.Atoi(string(f[2]))
	s.session, bad[1] = strconv.Atoi(string(f[3]))
	s.start, bad[2] = strconv.ParseUint(string(f[19]), 10, 64)
	return s, cmp.Or(bad[:]...)
}

// Alive says whether this very process runs. A zombie is dead. A process that cannot be looked
// at, though something has its pid, counts as alive: unsure means wait.
func (p Proc) Alive() bool {
	if p.PID <= 0 {
		return false
	}
	s, err := procStat(p.PID)
	switch {
	case err == nil:
		return s.start == p.Start && !s.dead()
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
	if r.Shim.Alive() || r.Script.Alive() || r.signalledLives() {
		return true
	}
	return r.UnitJob != "" && (d.opts.JobListed == nil || d.opts.JobListed(r.UnitJob))
}

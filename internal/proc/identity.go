package proc

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

var (
	// ErrGone: no process has this pid any more, or it has been reaped.
	ErrGone = errors.New("process is gone")
	// ErrNotSame: the pid now belongs to another process, or the identity is of another
	// boot.
	ErrNotSame = errors.New("pid belongs to another process")
)

// Identity tells one process from every other that ever had its pid.
type Identity struct {
	BootID     string `json:"boot_id"`               // /proc/sys/kernel/random/boot_id
	PID        int    `json:"pid"`                   // as seen in supd's pid namespace
	StartTime  uint64 `json:"start_time"`            // /proc/PID/stat field 22: clock ticks since boot
	PidfsInode uint64 `json:"pidfs_inode,omitempty"` // st_ino of a pidfd; 0 before kernel 6.9
}

// IsZero says whether i names no process.
func (i Identity) IsZero() bool { return i.PID == 0 }

// Same compares what both know. A start time alone does not tell a pid that came back
// within one clock tick.
func (i Identity) Same(o Identity) bool {
	return i.BootID == o.BootID && i.PID == o.PID && i.StartTime == o.StartTime &&
		(i.PidfsInode == 0 || o.PidfsInode == 0 || i.PidfsInode == o.PidfsInode)
}

func (i Identity) String() string {
	return fmt.Sprintf("pid %d (started at tick %d)", i.PID, i.StartTime)
}

// BootID is the random id of this boot. It never changes while the machine is up.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot read the boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// StartTime is when pid started, in clock ticks since boot. ErrGone if there is no such
// process; a zombie still has one.
func StartTime(pid int) (uint64, error) {
	s, err := ReadStat(pid)
	return s.StartTime, err
}

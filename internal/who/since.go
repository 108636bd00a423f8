package who

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of start times in /proc (USER_HZ, 100 on every Linux of today).
const clockTick = 10 * time.Millisecond

// SessionSince is when the login session of a process began: the start of the oldest of it and its ancestors that have the same audit
// session. The zero time if it has no session, or nobody can tell. By the wall clock, for people: to a tick, and only if that clock
// was not set since.
func SessionSince(pid int) time.Time {
	p, err := readProcess("/proc/" + strconv.Itoa(pid))
	if err != nil || p.session == "" {
		return time.Time{}
	}
	session, oldest := p.session, p.start
	for range generationsMax {
		var ok bool
		if pid, ok = parentOf(pid); !ok || pid <= 1 {
			break
		}
		if p, err = readProcess("/proc/" + strconv.Itoa(pid)); err != nil || p.session != session {
			break
		}
		oldest = min(oldest, p.start)
	}
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(oldest)*clockTick - time.Duration(up.Nano()))
}

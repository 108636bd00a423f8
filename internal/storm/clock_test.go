package storm

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// moment is nanoseconds of CLOCK_BOOTTIME, the clock of every record of a storm.
type moment int64

const forever = moment(1<<63 - 1)

func now() moment {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return moment(ts.Nano())
}

func (m moment) after(d time.Duration) moment {
	if m == forever {
		return m
	}
	return m + moment(d)
}

// tick is the step of /proc's start times (USER_HZ is 100 on every architecture of Linux that Go knows).
const tick = 10 * time.Millisecond

// forkTime is the earliest moment at which a process can have been forked, and whether it lives. A zombie does not.
func forkTime(pid int) (fork moment, alive bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	// The fields after the program's name, which may contain anything: state is field 3, the start time 22.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	n, err := strconv.ParseInt(f[22-3], 10, 64)
	if err != nil {
		return 0, false
	}
	return moment(n * int64(tick)), f[0] != "Z" && f[0] != "X"
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

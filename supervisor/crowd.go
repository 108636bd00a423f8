package supervisor

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// When many jobs wait for lanes, as after a mass crash, each of them makes a process that wants a processor before the ones before it
// have had theirs, and everybody else on the host waits behind all of them: whoever types supctl maintenance start, and other services.
// So one job begins after the other, and in the lanes beside that before each the host is given time to work off what is runnable. The
// processors have no less to do meanwhile.
const (
	crowdFrom      = 8                      // jobs that wait for a lane: fewer are no crowd, and wait for nothing
	runnableEach   = 2                      // runnable tasks for each processor that are no reason to wait
	crowdLook      = 200 * time.Microsecond // between two looks
	crowdPatience  = 20 * time.Millisecond  // for each job: on a host that is always that busy supd is not to wait for others
	loadavgLineMax = 64                     // bytes
)

// runnable reads how many tasks are runnable on the host, supd's own included (proc_loadavg(5), fourth field).
type runnable struct{ loadavg *os.File }

// newRunnable opens what is read often. Where it cannot be read, nobody ever waits.
func newRunnable() *runnable {
	f, err := os.Open("/proc/loadavg")
	if err != nil {
		return nil
	}
	return &runnable{f}
}

// more says whether there are more than so many.
func (r *runnable) more(than int) bool {
	if r == nil {
		return false
	}
	var line [loadavgLineMax]byte
	n, _ := r.loadavg.ReadAt(line[:], 0) // io.EOF: it is shorter
	fields := bytes.Fields(line[:n])
	if len(fields) < 4 {
		return false
	}
	now, _, _ := bytes.Cut(fields[3], []byte("/"))
	tasks, err := strconv.Atoi(string(now))
	return err == nil && tasks > than
}

// letOthers waits while the host is busy, if many wait for a lane and another one goes on.
func (l *lanes) letOthers() {
	waits := false
	for waited := time.Duration(0); waited < crowdPatience && l.crowded(&waits) && l.busyHost(); waited += crowdLook {
		time.Sleep(crowdLook)
	}
	l.crowdOver(waits)
}

// crowded says whether many wait for a lane, and this one is not the last that goes on. waits is whether it is counted as waiting.
func (l *lanes) crowded(waits *bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busyHost == nil || len(l.queue)-l.next < crowdFrom {
		return false
	}
	if !*waits && l.waiting+1 < l.busy {
		*waits = true
		l.waiting++
	}
	return *waits
}

// crowdOver ends the wait.
func (l *lanes) crowdOver(waits bool) {
	if waits {
		l.mu.Lock()
		l.waiting--
		l.mu.Unlock()
	}
}

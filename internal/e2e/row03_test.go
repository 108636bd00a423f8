package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Row 3: whenever supd is killed after a lock was taken, the lock holds.
func TestRow03_DaemonKilledAfterTheHoldWasTaken(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	web := d.up("db", "web")[1]
	for round, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		d.ctl("maintenance", "start", "db", "-m", fmt.Sprint("round ", round)).wants(t, 0)
		<-time.After(after)
		d.kill9()
		if pid := d.lastPID("db"); round > 0 && alive(pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		d.start()
		s := d.status("db")
		if !slices.Contains(s.holds(), "lock") || s.Holds[0].Reason != fmt.Sprint("round ", round) {
			t.Fatalf("killed %s after the lock: db's holds are %v", after, s.Holds)
		}
		if round > 0 {
			d.unchanged("db stays down", "db")
		}
		d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
		d.up("db")
	}
	if s := d.status("web"); s.PID != web {
		t.Errorf("web was bounced: process %d, before %d", s.PID, web)
	}
}

// Row 3: supd is killed while the command runs. What returned 0 holds; what did not is locked or is not, and says so.
func TestRow03_DaemonKilledWhileTheHoldIsTaken(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	for _, after := range []time.Duration{2, 5, 8, 12, 20, 40} {
		taking := d.ctlAsync("maintenance", "start", "db")
		<-time.After(after * time.Millisecond)
		d.kill9()
		r := d.finish(taking).wants(t, 0) // supctl goes on without it
		d.start()
		if got := d.locks(); len(got) != 1 {
			t.Fatalf("killed %d ms after the command began: %d locks, want 1\n%s", after, len(got), r.Out)
		}
		d.ctl("maintenance", "end", "db").wants(t, 0)
	}
	d.waitStarts("db", 1)
}

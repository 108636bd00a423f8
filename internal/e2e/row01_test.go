package e2e

import (
	"testing"
)

// Row 1: a slow stop is what can be in flight; the lock's command waits for it and says so.
func TestRow01_HoldTakenWhileSlowStopInFlight(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.stop]\ntimeout = \"2s\"\n", "-ignore-term"))
	d.up("db")
	stopping := d.ctlAsync("stop", "db")
	eventually(t, "TERM", func() string {
		if len(d.noted("db", "SIGTERM")) == 0 {
			return "not sent yet"
		}
		return ""
	})
	d.ctl("maintenance", "start", "db", "-m", "new disk", "--wait", "1ms").wants(t, 6, "IN FLIGHT", "stop")
	pid := d.status("db").PID
	d.ctl("maintenance", "start", "db", "-m", "new disk").wants(t, 0, "LOCKED")
	if pid == 0 || alive(pid) {
		t.Fatalf("the lock was granted while the stop of process %d was under way", pid)
	}
	d.finish(stopping).wants(t, 0)
	d.unchanged("nothing starts after the lock was granted", "db")
	if got := d.locks(); len(got) != 1 {
		t.Fatalf("two commands of one person made %d locks, want 1: %v", len(got), got)
	}
}

// A restart is one action: a lock waits for its stop and its start.
func TestRow01_HoldTakenWhileRestartInFlight(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "", "-slow-stop", "1500ms"))
	d.up("db")
	restart := d.ctlAsync("restart", "db")
	eventually(t, "TERM", func() string {
		if len(d.noted("db", "SIGTERM")) == 0 {
			return "not sent yet"
		}
		return ""
	})
	d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED", "waiting for", "restart of db")
	d.waitStarts("db", 2)
	d.unchanged("nothing is done after the lock was granted", "db")
	d.finish(restart).wants(t, 0)
}

// Waiting for readiness is no action: the lock is granted at once and nothing follows the time-out of the readiness.
func TestRow01_HoldTakenWhileReadinessIsAwaited(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "ready = \"notify\"\nready_timeout = \"1s\"\n"))
	d.waitState("db", "starting")
	d.waitStarts("db", 1)
	d.ctl("maintenance", "start", "db", "--wait", "500ms").wants(t, 0, "LOCKED")
	never(t, "the readiness's time-out does nothing under the lock", 2*calm, func() string {
		if all := notes(t, d.path("db.log")); len(all) != 1 {
			return "db was touched"
		}
		return ""
	})
}

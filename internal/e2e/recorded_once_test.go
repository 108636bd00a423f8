package e2e

import (
	"fmt"
	"syscall"
	"testing"
)

// A crash under a lock is recorded once, however often supd is started afterwards, and status goes on saying since when it
// is down: also for one that nobody saw.
func TestCrashUnderALockIsRecordedOnce(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("unseen", "")+service("stopped", "")+service("runs", ""))
	pids := d.up("db", "unseen", "stopped", "runs")
	d.ctl("maintenance", "start", "db", "unseen").wants(t, 0)
	d.ctl("stop", "stopped").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	d.kill9()
	if err := syscall.Kill(pids[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.start()
	eventually(t, "the unseen crash is on record", func() string {
		if len(d.events("unseen", "service.crashed")) == 0 {
			return "it is not"
		}
		return ""
	})
	first := d.all()
	for range 2 {
		d.stop()
		d.start()
	}
	now := d.all()
	for _, name := range []string{"db", "unseen"} {
		if crashes := d.events(name, "service.crashed"); len(crashes) != 1 {
			t.Errorf("%s: %d crashes: %v", name, len(crashes), crashes)
		} else if got := crashes[0].Fields["exit"]; name == "db" && got != "was killed by SIGKILL" {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, was := range first {
		// To the millisecond it depends on when the clocks were read.
		if moved := now[name].Since.Sub(was.Since).Abs().Milliseconds(); moved > 100 || now[name].State != was.State {
			t.Errorf("%s is %s since %v, was %s since %v", name, now[name].State, now[name].Since, was.State, was.Since)
		}
	}
	d.ctl("maintenance", "end", "db", "unseen", "--start").wants(t, 0)
	d.up("db", "unseen")
	d.stop()
	d.start()
	if n := len(d.events("db", "service.crashed")); n != 1 {
		t.Errorf("after it was started again: %d", n)
	}
	// And the next crash counts.
	d.shoot("db", syscall.SIGKILL)
	eventually(t, "the second crash", func() string {
		if n := len(d.events("db", "service.crashed")); n != 2 {
			return fmt.Sprint(n)
		}
		return ""
	})
}

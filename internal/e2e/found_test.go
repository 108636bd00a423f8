package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Each test here is named for a fault that somebody found who used supd as a stranger or as an attacker would.

func TestFoundCheckThatAsksForAStopStops(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", `[service.db.check.p]
type = "program"
command = ["/bin/sh", "-c", "test ! -e $DIR/bad"]
every = "200ms"
timeout = "150ms"
fail_after = 1
on_fail = "stop"
`))
	pid := d.up("db")[0]
	d.touch("bad")
	d.waitState("db", "down")
	if alive(pid) {
		t.Error("db still runs")
	}
	if holds := d.status("db").holds(); !slices.Contains(holds, "operator-stop") {
		t.Errorf("holds = %v, want the stop", holds)
	}
}

func TestFoundOwnerWhoCameBackEndsWithStart(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.login(6001, 0).ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	again := d.login(6001, 0) // another login session of the same person
	again.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.up("db")
	if locks := d.locks(); len(locks) > 0 {
		t.Errorf("still locked: %v", locks)
	}
}

func TestFoundReloadApplyLeavesALockedServiceUntouched(t *testing.T) {
	t.Parallel()
	text := quick + service("db", "")
	d := started(t, text+service("web", ""))
	pid := d.up("web")[0]
	anna := d.login(6001, 0)
	anna.ctl("maintenance", "start", "web").wants(t, 0)
	d.config(text)
	d.ctl("reload", "--apply").wants(t, 4, `cannot stop "web" while it is locked: held by`)
	if holds := d.status("web").holds(); !slices.Equal(holds, []string{"lock"}) {
		t.Errorf("holds = %v, want anna's lock and nothing else", holds)
	}
	if !alive(pid) {
		t.Error("web was stopped")
	}
}

func TestFoundDiffTellsWhatAnEarlierReloadLeftPending(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", ""))
	d.up("web")
	d.config(quick + service("web", "env = { A = \"1\" }\n"))
	d.ctl("reload").wants(t, 0, "web")
	d.ctl("config", "diff").wants(t, 0, "web", "reload --apply")
}

func TestFoundRenamedServiceIsReleasedWithItsLock(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	d.config(strings.Replace(quick+service("db", ""), "[service.db]", "[service.db2]", 1)) // the same command under a new name
	d.ctl("reload").wants(t, 0)
	d.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 0)
	if locks := d.locks(); len(locks) > 0 {
		t.Errorf("still locked: %v", locks)
	}
}

func TestFoundCheckThatFailsUnderALockIsRecorded(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", `[service.db.check.p]
type = "program"
command = ["/bin/sh", "-c", "test ! -e $DIR/bad"]
every = "200ms"
timeout = "150ms"
fail_after = 1
on_fail = "restart"
`))
	pid := d.up("db")[0]
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.touch("bad")
	eventually(t, "the failure is in the record", func() string {
		for _, e := range d.events("db", "check.failed") {
			if strings.Contains(e.Text, "not going to restart") {
				return ""
			}
		}
		return "no event says so"
	})
	if !alive(pid) {
		t.Error("db was restarted under the lock")
	}
}

func TestFoundSinceStaysWhileNothingHappens(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	anna := d.login(6001, 0)
	anna.ctl("maintenance", "start", "db").wants(t, 0)
	before := d.status("db")
	d.ctl("restart", "db").wants(t, 4)
	if after := d.status("db"); after.Since != before.Since {
		t.Errorf("a refused restart moved since from %v to %v", before.Since, after.Since)
	}
}

// RUN is often below a temporary directory, which cleaners visit.
func TestFoundCleanedRunDirectoryStartsNothingTwice(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", ""))
	d.ordinary() // no cgroups: as root they tell
	d.start()
	pid := d.up("db")[0]
	d.kill9()
	if err := os.RemoveAll(d.path("run/proc")); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.up("db")
	if now := d.status("db").PID; now != pid || len(d.starts("db")) != 1 {
		t.Errorf("db runs as %d, was %d; starts: %v", now, pid, d.starts("db"))
	}
}

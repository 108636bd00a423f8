package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// notedBefore waits until supd has noted what the services of all locks were.
func (d *daemon) notedBefore(locks int) {
	d.t.Helper()
	eventually(d.t, "notes of what services were before their lock", func() string {
		if all, _ := filepath.Glob(d.state("before/*.json")); len(all) != locks {
			return fmt.Sprintf("%d: %q", len(all), all)
		}
		return ""
	})
}

// What changed during the work is said before the lock goes: the process, the program, the config, and only that.
func TestEndSaysWhatChanged(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile(programs.self)
	if err != nil {
		t.Fatal(err)
	}
	text := quick + service("db", "") + service("web", "") + service("idle", "") + service("gone", "")
	d := newDaemon(t, strings.Replace(text, "[service.db]\ncommand = [\""+programs.self+"\"", "[service.db]\ncommand = [\"$DIR/dbd\"", 1))
	install := func() { // as a package manager does: a new file under the old name
		if err := os.WriteFile(d.path("dbd.new"), program, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(d.path("dbd.new"), d.path("dbd")); err != nil {
			t.Fatal(err)
		}
	}
	install()
	d.start()
	d.up("db", "web", "idle", "gone")
	d.ctl("maintenance", "start", "db", "web", "idle", "gone").wants(t, 0)
	d.notedBefore(4)
	install()
	d.shoot("gone", syscall.SIGKILL)
	d.waitState("gone", "down")
	d.ctl("restart", "web").wants(t, 0)
	r := d.ctl("maintenance", "end", "db", "web", "idle").wants(t, 0, "changed: db: "+d.path("dbd")+" was changed",
		"still runs a program that was replaced", "changed: web: was another process", "as it was: idle")
	if strings.Contains(r.both(), "web: "+programs.self) || strings.Contains(r.both(), "config") {
		t.Errorf("says more than changed:\n%s", r.both())
	}
	d.ctl("maintenance", "end", "gone").wants(t, 5, "changed: gone: was running (pid ", "is down", "--leave-stopped")
	var reply struct {
		Changes struct {
			Services []struct {
				Service string
				Known   bool
				PID     int
				Since   time.Time
				Changes []string
			}
		}
	}
	d.decode(&reply, "maintenance", "end", "gone", "--leave-stopped")
	if s := reply.Changes.Services; len(s) != 1 || s[0].Service != "gone" || !s[0].Known || s[0].PID != 0 || len(s[0].Changes) != 1 || s[0].Since.IsZero() {
		t.Errorf("changes in JSON: %+v", s)
	}
	d.notedBefore(0)
}

// A config that was changed under the lock, and what supd was not there to see.
func TestEndSaysWhatTheConfigChanged(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.notedBefore(1)
	d.config(quick + service("db", "", "-slow-stop", "1ms") + service("web", ""))
	d.ctl("reload").wants(t, 0)
	d.ctl("maintenance", "end", "db").wants(t, 0, "changed: db: its config has changed since it was started, and is in force from its next start")

	d.kill9()
	d.ctl("maintenance", "start", "web").wants(t, 0)
	d.ctl("maintenance", "end", "web", "--force").wants(t, 0) // without supd: nobody to ask, and it goes all the same
	d.ctl("maintenance", "start", "web").wants(t, 0)
	d.start()
	d.notedBefore(1) // from the moment that supd saw the lock
	d.up("web")
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "down")
	d.ctl("maintenance", "end", "web", "--start").wants(t, 0, "changed: web: was running (pid ")
}

// The packages that a service's program belongs to are compared by their versions.
func TestEndSaysWhichPackageChanged(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+"[service.db]\ncommand = [\"/bin/sleep\", \"1000\"]\nready = \"delay:1ms\"\n")
	// A dpkg-query that knows one package, with the version that a file says.
	script := "#!/bin/sh\ncase $1 in -S) echo 'dbd:amd64: /usr/bin/sleep';; -W) echo \"dbd:amd64 $(cat '" + d.path("version") + "')\";; esac\n"
	if err := os.Mkdir(d.path("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path("bin/dpkg-query"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	version := func(v string) {
		if err := os.WriteFile(d.path("version"), []byte(v), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	version("15.4-1")
	d.wrap = []string{"/usr/bin/env", "PATH=" + d.path("bin") + ":/usr/bin:/bin"}
	d.start()
	d.waitState("db", "up")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.notedBefore(1)
	version("15.5-0")
	d.ctl("maintenance", "end", "db").wants(t, 0, "changed: package dbd:amd64 is 15.5-0, it was 15.4-1")
}

// --force on a service that is down does not leave it down, and says so; the settle time comes first.
func TestEndForceOfADownServiceStartsItAfterSettle(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"3s\"\n"+service("db", "")+service("off", "autostart = false\n"))
	d.up("db")
	d.ctl("maintenance", "end", "--help").wants(t, 0, "supd starts it when the settle time is over")
	d.ctl("maintenance", "start", "db", "off").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	released := boottime()
	d.ctl("maintenance", "end", "db", "--force").wants(t, 0, "db: down and wanted up; supd starts it in 3s (settle)")
	eventually(t, "status says what comes", func() string {
		if next := d.status("db").Next; !strings.Contains(next, "settle") || !strings.Contains(next, "supctl start db does it now") {
			return strconv.Quote(next)
		}
		return ""
	})
	again := d.waitStarts("db", 2)[1]
	if after := time.Duration(again.T - released); after < 3*time.Second {
		t.Errorf("started %s after the release, settle is 3s", after)
	}
	d.ctl("maintenance", "end", "off", "--force").wants(t, 0, "off: down, and stays down until somebody starts it: supctl start off")
}

// Row 15: a check that begins to fail within the settle time alerts at once and acts only when that is over.
func TestRow15_CheckFailsInTheSettleTime(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "[maintenance]\nsettle = \"3s\"\n"+checked("db"))
	d.touch("db.sign")
	d.start()
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	released := boottime()
	d.ctl("maintenance", "end", "db").wants(t, 0, "db: for 3s from now (settle) failures alert and are not acted on")
	d.untouch("db.sign")
	eventually(t, "the failure is told", func() string {
		for _, e := range d.events("db", "check.failed") {
			if e.Fields["under"] == "settle" && e.Severity != "notice" {
				return ""
			}
		}
		return "no event"
	})
	again := d.waitStarts("db", 2)[1]
	if after := time.Duration(again.T - released); after < 3*time.Second {
		t.Errorf("restarted %s after the release, settle is 3s", after)
	}
}

// Row 15: a crash within the settle time is an alert that says that nothing follows yet.
func TestRow15_CrashInTheSettleTimeIsSaid(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"2s\"\n"+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitStarts("db", 2)
	all := d.events("db", "service.crashed")
	if len(all) != 1 || all[0].Fields["under"] != "settle" || !strings.Contains(all[0].Text, "not acted on for another") || all[0].Severity == "notice" {
		t.Errorf("events: %+v", all)
	}
}

// Whoever ends a lock in the moment after it was taken is told as much as everybody.
func TestEndRightAfterStartKnowsWhatItWas(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	for range 5 {
		d.ctl("maintenance", "start", "db").wants(t, 0)
		d.ctl("maintenance", "end", "db").wants(t, 0, "as it was: db").quiet(t, "not known")
	}
}

// Who ends a lock that went through several hands is told what changed since the first one took it, also by a supd that was
// started in between.
func TestEndSaysWhatChangedSinceTheFirstOfManyHands(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", ""))
		first := d.up("db")[0]
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		d.notedBefore(1)
		ann.ctl("restart", "db").wants(t, 0)
		w.before(d)
		ben.ctl("maintenance", "break", d.lockOf("db"), "-m", "ann left", "--yes").wants(t, 0)
		ben.ctl("maintenance", "transfer", "db", "--to", "4001001").wants(t, 0)
		ann.ctl("maintenance", "accept", "db").wants(t, 0)
		w.back(d)
		d.up("db")
		ann.ctl("maintenance", "end", "db", "--force").wants(t, 0, fmt.Sprintf("changed: db: was another process (pid %d", first))
		d.notedBefore(0)
	})
}

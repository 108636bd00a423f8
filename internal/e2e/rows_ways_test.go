package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The rows of a lock's life once more, with a supd that hangs and without one while people act.

// Row 1: supd stops being there in the middle of a stop. The lock is not granted before what was told to end has ended.
func TestRow01_SupdIsLostInTheMiddleOfAStop(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", "[service.db.stop]\ntimeout = \"6s\"\n", "-ignore-term"))
		pid := d.up("db")[0]
		stopping := d.ctlAsync("stop", "db")
		eventually(t, "TERM", func() string {
			if len(d.noted("db", "SIGTERM")) == 0 {
				return "not sent yet"
			}
			return ""
		})
		w.before(d)
		d.ctl("maintenance", "start", "db", "--wait", "100ms").wants(t, 6, "IN FLIGHT", "stop")
		if !alive(pid) {
			t.Fatal("the stop was over too soon for this test")
		}
		w.back(d)
		d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
		if alive(pid) {
			t.Fatalf("the lock was granted while the stop of process %d was under way", pid)
		}
		d.finish(stopping)
		d.unchanged("nothing starts after the lock was granted", "db")
		if got := d.locks(); len(got) != 1 {
			t.Errorf("%d locks, want 1: %v", len(got), got)
		}
	})
}

// Row 1: the same in the middle of a start, whose hook is slow. It may be brought to its end before the lock is granted, and is
// not begun again under it.
func TestRow01_SupdIsLostInTheMiddleOfAStart(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", `autostart = false
pre_start = [["/bin/sh", "-c", "touch $DIR/begun; until [ -e $DIR/go ]; do sleep 0.05; done"]]
`))
		starting := d.ctlAsync("start", "db")
		d.waitFile("begun")
		w.before(d)
		d.ctl("maintenance", "start", "db", "--wait", "100ms").wants(t, 6, "IN FLIGHT", "start")
		d.touch("go")
		w.back(d)
		d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
		d.finish(starting)
		d.unchanged("nothing starts after the lock was granted", "db")
		if n := len(d.starts("db")); n > 1 {
			t.Errorf("db was started %d times", n)
		}
	})
}

// Rows 2, 3, 4, 5 and 8: a lock that supd was not asked for holds its service when supd is back, when it is killed, again and
// again, after a reload, against the start of a dependent, and after a reboot.
func TestRow02_03_05_08_LockThatSupdWasNotAskedFor(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		web := service("web", dependent+"autostart = false\n")
		d := started(t, quick+service("db", "")+web+service("other", ""))
		d.up("db", "other")
		w.before(d)
		d.login(4001001, 0).ctl("maintenance", "start", "db", "-m", "index rebuild").wants(t, 0, "LOCKED")
		w.back(d)
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		holds := func(when string) {
			t.Helper()
			d.ctl("start", "web").wants(t, 4, `cannot start "web": it needs "db", held by `, "4001001", "since ", "(index rebuild)")
			d.unchanged(when, "db", "web")
		}
		holds("when supd is back")
		for range 3 {
			d.kill9()
			d.start()
		}
		holds("after supd was killed three times")
		d.config(quick + service("db", "") + web + service("other", "description = \"changed\"\n"))
		d.ctl("reload").wants(t, 0)
		holds("after a reload")
		d.reboot()
		holds("after a reboot")
		d.ctl("maintenance", "end", "db", "--force").wants(t, 4, "4001001")
		if got := d.locks(); len(got) != 1 || got[0].Reason != "index rebuild" {
			t.Errorf("locks: %v", got)
		}
	})
}

// Row 6: a lock file that nobody can read holds for everybody who asks the files, and is named.
func TestRow06_DamagedLockIsNamedByTheFiles(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", "")+service("web", ""))
		d.up("db", "web")
		d.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		w.before(d)
		found, err := filepath.Glob(d.state("locks/service/db/*.toml"))
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		if err := os.WriteFile(found[0], []byte("\x00\xffgarbage"), 0o644); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(found[0])
		d.ctl("maintenance", "check", "db").wants(t, 8, name)
		d.ctl("maintenance", "check", "web").wants(t, 0)
		d.ctl("maintenance", "list").wants(t, 8, name)
		d.ctl("maintenance", "doctor").wants(t, 8, name)
		d.ctl("guard", "db", "--", "touch", d.path("ran")).wants(t, 125, name)
		if _, err := os.Stat(d.path("ran")); err == nil {
			t.Error("a guarded command was run beside a lock that cannot be read")
		}
		w.back(d)
		d.waitHold("db", "unreadable")
		d.shoot("db", syscall.SIGKILL)
		d.unchanged("what cannot be read holds", "db", "web")
	})
}

// Row 11: the end of one of two locks leaves the other's, and says whose it is.
func TestRow11_OneOfTwoEnds(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", ""))
		d.up("db")
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)
		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		ben.ctl("maintenance", "start", "db", "-m", "schema").wants(t, 0)
		ann.ctl("maintenance", "end", "db").wants(t, 0, "4001002", "schema")
		ann.ctl("maintenance", "end", "db").wants(t, 4, "4001002")
		w.back(d)
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		d.unchanged("still held", "db")
		ann.ctl("start", "db").wants(t, 4, "schema")
	})
}

// Row 12: nobody ends another's lock; who breaks it needs the right and a reason, and holds it from then on.
func TestRow12_BreakOfMyLock(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+"[api]\noperators = [\"user:4001003\"]\n"+service("db", ""))
		d.up("db")
		ann, ben, cem := d.login(4001001, 0), d.login(4001002, 0), d.login(4001003, 4001003)
		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		id := d.lockOf("db")
		ben.ctl("maintenance", "end", "db", "--force").wants(t, 4, "4001001")
		cem.ctl("maintenance", "break", id, "--reason", "I need it", "--yes").wants(t, 10)
		ben.ctl("maintenance", "break", id, "--yes").wants(t, 2, "reason")
		if now := d.lockOf("db"); now != id {
			t.Fatalf("the lock was %s, is %s", id, now)
		}
		ben.ctl("maintenance", "break", id, "--reason", "ann is on leave", "--yes").wants(t, 0)
		w.back(d)
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		d.unchanged("a break opens nothing", "db")
		ann.ctl("status").wants(t, 0, "your lock on db (disk) was broken by uid 4001002", "ann is on leave")
		ann.ctl("maintenance", "end", "db").wants(t, 4, "4001002")
		ann.ctl("maintenance", "history", "db").wants(t, 0, "break", "ann is on leave")
		ben.ctl("maintenance", "end", "db", "--start").wants(t, 0)
		d.waitStarts("db", 2)
	})
}

// Row 13: a lock whose end passes while nobody looks is overdue for whoever asks, holds, and is told of when supd is back.
func TestRow13_OverdueWhileNobodyLooks(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", ""))
		d.up("db")
		w.before(d)
		d.ctl("maintenance", "start", "db", "-m", "went home", "--for", "1s").wants(t, 0)
		eventually(t, "it is overdue for who asks", func() string {
			if r := d.ctl("maintenance", "list"); !strings.Contains(r.Out, "overdue") {
				return r.Out
			}
			return ""
		})
		d.ctl("maintenance", "check", "db").wants(t, 4, "went home")
		w.back(d)
		d.shoot("db", syscall.SIGKILL)
		eventually(t, "it is on record", func() string {
			if n := len(d.events("db", "maintenance.overdue")); n != 1 {
				return fmt.Sprint(n, " times")
			}
			return ""
		})
		d.unchanged("time alone starts nothing", "db")
	})
}

// Row 15: a lock that ends while supd is not there leaves nothing behind that was counted under it.
func TestRow15_EndWhileSupdIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", "[service.db.restart]\nlimit = \"2 in 10m\"\nbackoff = { first = \"0s\", then = \"10m\", max = \"10m\", jitter = 0.0 }\n"))
		d.up("db")
		d.ctl("maintenance", "start", "db").wants(t, 0)
		for range 3 {
			d.shoot("db", syscall.SIGKILL)
			d.waitState("db", "down")
			d.ctl("start", "db").wants(t, 0)
		}
		n := len(d.starts("db"))
		w.before(d)
		d.ctl("maintenance", "end", "db", "--force").wants(t, 0)
		w.back(d)
		eventually(t, "supd knows that it is free", func() string {
			if s := d.status("db"); len(s.Holds) > 0 {
				return fmt.Sprint(s.Holds)
			}
			return ""
		})
		d.shoot("db", syscall.SIGKILL)
		d.waitStarts("db", n+1)
	})
}

// Row 9: a service that was renamed while it ran goes on under its old name. A lock on either name holds both, whoever takes it
// where: nothing runs under the new name while the old one is locked, and the old one is not ended under a lock on the new.
func TestRow09_LockOnWhatGoesOnUnderItsOldName(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		old := service("db", "")
		renamed := strings.Replace(old, "[service.db]", "[service.database]", 1)
		d := started(t, quick+old)
		pid := d.up("db")[0]
		d.config(quick + renamed)
		d.ctl("reload").wants(t, 0)
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)

		w.before(d)
		ann.ctl("maintenance", "start", "database", "-m", "by its new name").wants(t, 0, "LOCKED")
		w.back(d)
		d.waitHold("database", "lock")
		if r := ben.ctl("reload", "--apply"); r.Code != 4 || !alive(pid) {
			t.Errorf("what runs was ended (alive: %v) under a lock on its new name: %+v", alive(pid), r)
		}
		ann.ctl("maintenance", "end", "database", "--force").wants(t, 0)

		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "by its old name").wants(t, 0, "LOCKED")
		w.back(d)
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		ben.ctl("start", "database").wants(t, 4, "by its old name")
		d.kill9() // nobody has the old name any more
		d.start()
		ben.ctl("start", "database").wants(t, 4, "by its old name")
		ben.ctl("--socket", d.path("nobody.sock"), "maintenance", "start", "db", "-m", "as well").wants(t, 0, "LOCKED")
		ann.ctl("maintenance", "end", "db", "--force").wants(t, 0)
		ann.ctl("start", "database").wants(t, 4, "as well")
		d.unchanged("the lock is on what runs, not on its name", "db")
		ben.ctl("maintenance", "end", "db", "--force").wants(t, 0)
		d.waitStarts("db", 2)
	})
}

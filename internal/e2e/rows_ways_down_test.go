package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Rows of a service that is down, or gone, under its lock, with a supd that hangs and without one.

// damagedLocks are what can stand where a lock's file stood; each holds, and none is taken away behind anybody's back.
var damagedLocks = map[string]func(path string, was []byte) error{
	"empty":     func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o644) },
	"truncated": func(path string, was []byte) error { return os.WriteFile(path, was[:len(was)/3], 0o644) },
	"garbage":   func(path string, _ []byte) error { return os.WriteFile(path, []byte("\x00\xff[[[="), 0o644) },
	"large":     func(path string, was []byte) error { return os.Truncate(path, 64<<20) },
	"other": func(path string, was []byte) error {
		return os.WriteFile(path, []byte(strings.ReplaceAll(string(was), strings.TrimSuffix(filepath.Base(path), ".toml"), "another")), 0o644)
	},
	"directory": func(path string, _ []byte) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o755)
	},
	"link": func(path string, _ []byte) error {
		if err := os.Rename(path, path+".kept"); err != nil {
			return err
		}
		return os.Symlink(path+".kept", path)
	},
	"pipe": func(path string, _ []byte) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return syscall.Mkfifo(path, 0o644)
	},
}

// Row 6: whatever became of a lock's file, it holds and is named, doctor has the one command for it, and it stays where it is
// until somebody types that.
func TestRow06_WhateverStandsInTheLocksPlaceHolds(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		text := quick
		for name := range damagedLocks {
			text += service(name, "")
		}
		d := started(t, text)
		files := map[string]string{}
		for name := range damagedLocks {
			d.up(name)
			d.ctl("maintenance", "start", name, "-m", "disk").wants(t, 0)
			files[name] = d.state(filepath.Join("locks/service", name, d.lockOf(name)+".toml"))
		}
		w.before(d)
		for name, damage := range damagedLocks {
			was, err := os.ReadFile(files[name])
			if err == nil {
				err = damage(files[name], was)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		listed, found := d.ctl("maintenance", "list"), d.ctl("maintenance", "doctor")
		for name, file := range files {
			listed.wants(t, 8, filepath.Base(file))
			found.wants(t, 8, filepath.Base(file))
			d.ctl("maintenance", "check", name).wants(t, 8, filepath.Base(file))
			d.ctl("guard", name, "--", "touch", d.path("ran")).wants(t, 125, filepath.Base(file))
		}
		if _, err := os.Stat(d.path("ran")); err == nil {
			t.Error("a guarded command was run")
		}
		w.back(d)
		var names []string
		for name := range files {
			names = append(names, name)
			d.waitHold(name, "unreadable")
			d.shoot(name, syscall.SIGKILL)
		}
		d.unchanged("what cannot be read holds", names...)
		for name, file := range files {
			if _, err := os.Lstat(file); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		d.ctl("maintenance", "doctor").wants(t, 8, "mend")
	})
}

// Row 9: a service that leaves the config while it is locked leaves its lock there, shown as orphaned; whoever puts it back
// finds it locked.
func TestRow09_RemovedAndPutBackUnderALock(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		all, rest := quick+service("db", "")+service("web", ""), quick+service("web", "")
		d := started(t, all)
		d.up("db", "web")
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)
		ann.ctl("maintenance", "start", "db", "--stop", "-m", "new disk").wants(t, 0)
		w.before(d)
		d.config(rest)
		ann.ctl("maintenance", "list").wants(t, 0, "db", "new disk")
		d.ctl("maintenance", "check", "db").wants(t, 4, "new disk")
		w.back(d)
		d.ctl("reload").wants(t, 0)
		eventually(t, "the lock is shown as orphaned", func() string {
			if r := d.ctl("maintenance", "list"); !strings.Contains(r.Out, "orphaned") {
				return r.Out
			}
			return ""
		})
		d.ctl("maintenance", "check", "db").wants(t, 4, "new disk")
		d.ctl("guard", "db", "--", "touch", d.path("ran")).wants(t, 125, "new disk")
		w.before(d)
		d.ctl("maintenance", "check", "db").wants(t, 4, "new disk")
		d.ctl("guard", "db", "--", "touch", d.path("ran")).wants(t, 125, "new disk")
		d.config(all)
		w.back(d)
		d.ctl("reload").wants(t, 0)
		d.waitHold("db", "lock")
		ben.ctl("start", "db").wants(t, 4, "new disk")
		d.unchanged("put back under its lock", "db", "web")
		if _, err := os.Stat(d.path("ran")); err == nil {
			t.Error("a guarded command was run under a lock whose service had left the config")
		}
		ann.ctl("maintenance", "end", "db", "--start").wants(t, 0)
		d.waitStarts("db", 2)
	})
}

// Row 14: what is started by hand while supd cannot see it is told as soon as it can, once, and keeps the lock from ending.
func TestRow14_StartedWhileSupdDoesNotLook(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", "")+service("web", ""))
		d.up("db", "web")
		screen := newScreen(t, 4001001)
		ann := d.loginAt(screen.tty, 4001001, 0)
		ann.ctl("maintenance", "start", "db", "--stop", "-m", "new disk").wants(t, 0)
		w.before(d)
		pid := d.byHand(4001002, d.witnessArgv("db")...)
		w.back(d)
		v := d.alarmed("db", 1)[0]
		if v.PID != pid || v.LoginUID == nil || *v.LoginUID != 4001002 {
			t.Errorf("it is described as %+v, its pid is %d", v, pid)
		}
		eventually(t, "the owner's terminal shows it", func() string {
			if text := screen.text(); !strings.Contains(text, "started under lock") || !strings.Contains(text, fmt.Sprint("pid ", pid)) {
				return fmt.Sprintf("%q", text)
			}
			return ""
		})
		ann.ctl("maintenance", "end", "db", "--start").wants(t, 5, fmt.Sprint("pid ", pid))
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.alarmed("db", 0)
		d.unchanged("an alarm starts nothing", "db", "web")
		if n := len(d.events("db", "service.started_under_lock")); n != 1 {
			t.Errorf("%d events", n)
		}
		ann.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	})
}

// Row 15: checks fail under the lock, and supd is away for a while; nothing of that counts once the lock has ended.
func TestRow15_FailuresBesideASupdThatIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := newDaemon(t, quick+checked("db"))
		d.touch("db.sign")
		d.start()
		d.up("db")
		d.ctl("maintenance", "start", "db").wants(t, 0)
		d.untouch("db.sign")
		failing := func() string {
			if c := d.all()["db"].Checks; c.Failing != 1 {
				return fmt.Sprint(c)
			}
			return ""
		}
		eventually(t, "the check fails", failing)
		w.before(d)
		d.ctl("maintenance", "check", "db").wants(t, 4)
		w.back(d)
		eventually(t, "the check fails when supd is back", failing)
		d.unchanged("checks act on nothing under a lock", "db")
		w.before(d)
		released := boottime()
		d.ctl("maintenance", "end", "db", "--force").wants(t, 0)
		w.back(d)
		again := d.waitStarts("db", 2)[1]
		// Five looks from the release on, at 200 ms: not before the fifth could have been.
		if waited := time.Duration(again.T - released); waited < 600*time.Millisecond {
			t.Errorf("restarted %s after the release: failures from under the lock were counted", waited)
		}
		d.touch("db.sign")
		d.up("db")
	})
}

// Row 10: a reload with a mistake, asked of a supd that hangs or is dead as well. What runs goes on, what is locked stays so,
// and the mistake is said with its line.
func TestRow10_MistakeWhileSupdIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		good := quick + service("db", "") + service("web", "")
		d := started(t, good)
		d.up("db", "web")
		d.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		w.before(d)
		d.config(good + "[service.db\n")
		if w.name == "supd is dead" { // it must not run with half a config: what is locked is by its files
			scene{d, 0}.refused("supd.toml:")
			d.config(good)
		} else {
			d.signal(syscall.SIGHUP)
		}
		d.ctl("maintenance", "check", "db").wants(t, 4, "disk")
		w.back(d)
		if w.name != "supd is dead" {
			eventually(t, "the mistake is said", func() string {
				if said := d.problems(); !strings.Contains(said, "supd.toml:") {
					return said
				}
				return ""
			})
		}
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		d.unchanged("the lock holds beside a mistake", "db", "web")
	})
}

package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// witnessed is the config of one service that runs the witness of db, in whose log each start is noted, with an option of its own.
func witnessed(name, option string) string {
	return quick + "[service." + name + "]\ncommand = [\"" + programs.self + "\", \"witness\", \"-log\", \"$DIR/db.log\"" + option + "]\n" +
		"autostart = true\nready = \"delay:1ms\"\n"
}

const another = `, "-code", "3"`

// An upgrade under a lock: the command is changed, then the name, or both at once, in whatever state supd is. What appears may be what
// is locked, and nobody can tell: the lock holds it too. It was started beside the work, or beside the locked process.
func TestALockHoldsWhatIsRenamedAndChanged(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		stop  bool
		steps []string // configs, one after the other
	}{
		"stopped, one after the other": {true, []string{witnessed("db", another), witnessed("dby", another)}},
		"stopped, both at once":        {true, []string{witnessed("dby", another)}},
		"up, one after the other":      {false, []string{witnessed("db", another), witnessed("dby", another)}},
		"up, both at once":             {false, []string{witnessed("dby", another)}},
		"twice":                        {true, []string{witnessed("dbx", ""), witnessed("dby", another)}},
	} {
		t.Run(what, func(t *testing.T) {
			eachWay(t, func(t *testing.T, w way) {
				d := started(t, witnessed("db", ""))
				d.up("db")
				starts := 1
				if c.stop {
					d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
				} else {
					d.ctl("maintenance", "start", "db").wants(t, 0)
				}
				id := d.lockOf("db")
				w.before(d)
				for _, text := range c.steps {
					d.config(text)
					if w.name == "supd runs" {
						d.ctl("reload")
					}
				}
				w.back(d)
				if w.name == "supd hangs" {
					d.signal(syscall.SIGHUP)
				}
				d.waitHold("dby", "lock")
				d.ctl("maintenance", "check", "dby").wants(t, 4, id)
				d.unchanged("started under the lock, or a second copy", "db")
				d.waitStarts("db", starts)
				if c.stop { // else the old one still runs
					d.ctl("maintenance", "end", "--id", id).wants(t, 5, `cannot release "dby": it is down`)
					d.ctl("maintenance", "end", "--id", id, "--start").wants(t, 0)
					d.up("dby")
					d.waitStarts("db", 2) // and not the one that the config has no more
				}
			})
		})
	}
}

// A change that waits for the next start is what the service is to be: under a new name it was started beside itself.
func TestRenamedWithAChangePendingIsNotStartedTwice(t *testing.T) {
	t.Parallel()
	d := started(t, witnessed("db", ""))
	pid := d.up("db")[0]
	d.config(witnessed("db", another))
	d.ctl("reload").wants(t, 0)
	d.config(witnessed("dby", another))
	d.ctl("reload").wants(t, 0)
	d.waitState("dby", "down")
	d.unchanged("a second copy", "db")
	d.waitStarts("db", 1)
	if !alive(pid) {
		t.Error("what ran was stopped by a reload")
	}
	d.ctl("reload", "--apply").wants(t, 0, "start dby, which takes the place of db")
	d.up("dby")
	d.waitStarts("db", 2)
}

// reload --apply stops nothing in whose place it may start nothing, touches no locked service whoever asks, and says so each time.
func TestApplyLeavesWhatNothingMayReplace(t *testing.T) {
	t.Parallel()
	d := started(t, strings.Replace(witnessed("p", ""), "autostart = true", "autostart = false", 1)+witnessedToo("q"))
	d.up("q")
	d.ctl("stop", "p").wants(t, 0)
	d.ctl("maintenance", "start", "p", "-m", "disk").wants(t, 0)
	d.config(witnessed("q", ""))
	d.ctl("reload").wants(t, 0, "orphaned")
	d.ctl("reload").wants(t, 0, "p: is no longer in the config since an earlier reload, and does not run")
	pid := d.status("q").PID
	d.config(witnessed("r", ""))
	for range 2 {
		d.ctl("reload", "--apply").wants(t, 4, "locked")
		if s := d.status("q"); s.PID != pid || !alive(pid) {
			t.Errorf("q was stopped, and nothing runs in its place: %+v", s)
		}
		d.unchanged("started under the lock", "db")
	}
	if stops, _ := filepath.Glob(d.state("holds/p/*.toml")); len(stops) != 1 {
		t.Errorf("the stop of a locked service was forgotten: %q", stops)
	}
}

// witnessedToo is a second service that runs the same.
func witnessedToo(name string) string { return witnessed(name, "")[len(quick):] }

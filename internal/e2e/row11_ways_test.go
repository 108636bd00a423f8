package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

type way struct {
	name         string
	before, back func(*daemon)
}

// eachWay runs a story once for each of them.
func eachWay(t *testing.T, story func(t *testing.T, w way)) {
	t.Parallel()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			story(t, w)
		})
	}
}

// ways are the states that supd can be in when somebody needs a lock: what they get is the same. back makes it answer again.
var ways = []way{
	{"supd runs", func(*daemon) {}, func(*daemon) {}},
	{"supd hangs", (*daemon).freeze, (*daemon).thaw},
	{"supd is dead", (*daemon).kill9, (*daemon).start},
}

// Row 11: who locks again what they hold has one lock, with what they said last, and is told so.
func TestRow11_SecondStartUpdatesAndSaysSo(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			d := started(t, quick+service("db", ""))
			d.up("db")
			ann := d.login(4001061, 0)
			way.before(d)
			ann.ctl("maintenance", "start", "db", "-m", "disk", "--ticket", "OPS-1", "--for", "1h").wants(t, 0, "LOCKED")
			first := d.locks()[0]
			ann.ctl("maintenance", "start", "db", "-m", "new disk", "--ticket", "OPS-2", "--for", "5h").wants(t, 0, "LOCKED", "you held the lock on db already; it was updated")
			ann.ctl("maintenance", "start", "db").wants(t, 0, "you held the lock on db already") // says nothing, changes nothing
			way.back(d)
			locks := d.locks()
			if len(locks) != 1 || locks[0].ID != first.ID || locks[0].Reason != "new disk" || locks[0].Ticket != "OPS-2" || !locks[0].Since.Equal(first.Since) {
				t.Fatalf("was %+v, is %+v", first, locks)
			}
			var reply struct{ Locks []lockTimes }
			d.decode(&reply, "maintenance", "list")
			if left := time.Until(reply.Locks[0].Until); left < 4*time.Hour || left > 5*time.Hour+time.Second/2 { // a lock file has whole seconds
				t.Errorf("it ends in %v, 5h were said", left)
			}
			ann.ctl("maintenance", "end", "db").wants(t, 0, "RELEASED")
		})
	}
}

// Row 7: a lock on the host holds what a reload adds later, however it was taken; its end gives that free, too.
func TestRow07_HostLockCoversWhatComesLater(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			d := started(t, quick+service("db", ""))
			d.up("db")
			way.before(d)
			d.ctl("maintenance", "start", "--all", "-m", "kernel").wants(t, 0, "LOCKED --all")
			d.config(quick + service("db", "") + service("late", ""))
			way.back(d)
			d.ctl("reload")
			d.waitHold("late", "lock")
			d.ctl("maintenance", "check", "late").wants(t, 4, "kernel")
			d.shoot("db", syscall.SIGKILL)
			d.unchanged("everything is held", "db", "late")
			d.ctl("maintenance", "end", "--all", "--start").wants(t, 0)
			d.waitStarts("late", 1)
			d.waitStarts("db", 2)
		})
	}
}

// Row 9: a lock on a group holds who was in it and who is in it now: a reload that moves services in and out frees none.
func TestRow09_GroupLockCoversRecordedAndCurrentMembers(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			services := quick + service("old", "") + service("new", "") + service("other", "")
			d := started(t, services+"\n[group.site]\nservices = [\"old\"]\n")
			d.up("old", "new", "other")
			way.before(d)
			d.ctl("maintenance", "start", "@site", "-m", "both").wants(t, 0, "LOCKED @site")
			way.back(d)
			d.config(services + "\n[group.site]\nservices = [\"new\"]\n")
			d.ctl("reload").wants(t, 0)
			d.waitHold("new", "lock")
			for name, code := range map[string]int{"old": 4, "new": 4, "other": 0} {
				if r := d.ctl("maintenance", "check", name).wants(t, code); code == 4 && !strings.Contains(r.Out, "both") {
					t.Errorf("%s: %s", name, r.Out)
				}
			}
			for _, name := range []string{"old", "new", "other"} {
				d.shoot(name, syscall.SIGKILL)
			}
			d.waitStarts("other", 2)
			d.unchanged("those of then and of now are held", "old", "new")
			way.before(d)
			d.ctl("maintenance", "check", "old").wants(t, 4)
			d.ctl("maintenance", "check", "new").wants(t, 4)
			way.back(d)
			d.ctl("maintenance", "end", "@site", "--start").wants(t, 0)
			d.waitStarts("old", 2)
			d.waitStarts("new", 2)
		})
	}
}

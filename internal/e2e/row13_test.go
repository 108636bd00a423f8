package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// Row 13: a lock past its expected end is said to be overdue, again and again, and goes on holding.
func TestRow13_OverdueLockIsLoudAndHolds(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"0s\"\nremind_every = \"300ms\"\n"+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "-m", "went home", "--for", "500ms").wants(t, 0)
	reminders := func() int { return len(d.events("db", "maintenance.overdue")) }
	eventually(t, "it is said three times", func() string {
		if n := reminders(); n < 3 {
			return fmt.Sprintf("%d times", n)
		}
		return ""
	})
	d.ctl("status", "db").wants(t, 0, "overdue lock by", "went home")
	if !strings.Contains(d.log(), "is overdue by") {
		t.Error("the log does not say so")
	}
	d.shoot("db", syscall.SIGKILL)
	d.unchanged("time alone starts nothing", "db")

	d.kill9()
	d.start()
	said := reminders()
	eventually(t, "the next supd says so, too", func() string {
		if n := reminders(); n <= said {
			return fmt.Sprintf("%d times", n)
		}
		return ""
	})
	d.ctl("maintenance", "extend", "db", "--for", "1h").wants(t, 0)
	said = reminders()
	never(t, "extended, it is not overdue", calm, func() string {
		if n := reminders(); n > said+1 { // one may have been on its way
			return fmt.Sprintf("%d reminders more", n-said)
		}
		return ""
	})
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
}

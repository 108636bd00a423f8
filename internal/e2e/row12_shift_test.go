package e2e

import (
	"slices"
	"syscall"
	"testing"
)

// Row 12, the ordinary way: a lock changes hands with its owner's will, and nothing acts in between.
func TestRow12_ShiftChange(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	ann, ben, cem := d.login(4001001, 0), d.login(4001002, 0), d.login(4001003, 0)
	ann.ctl("maintenance", "start", "db", "web", "-m", "disk", "--ticket", "OPS-1", "--for", "8h").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")

	ann.ctl("maintenance", "transfer", "db").wants(t, 2, "--to")
	ann.ctl("maintenance", "transfer", "db", "--to", "nobody-of-that-name").wants(t, 3, "nobody-of-that-name")
	ann.ctl("maintenance", "transfer", "db", "--to", "4001001").wants(t, 2, "that is you")
	ann.ctl("maintenance", "transfer", "db", "--to", "4294967295").wants(t, 2, "no login")
	ben.ctl("maintenance", "transfer", "db", "--to", "4001001").wants(t, 4, "4001001")
	ben.ctl("maintenance", "accept", "db").wants(t, 4, "4001001", "transfer")
	ann.ctl("maintenance", "transfer", "db", "--to", "4001002", "-m", "sixty percent").wants(t, 0, "OFFERED", "4001002", "knows no user with uid 4001002")
	cem.ctl("maintenance", "accept", "db").wants(t, 4, "4001002")
	ann.ctl("maintenance", "accept", "db").wants(t, 3, "yours already")

	// Until it is accepted, nothing has changed but what is shown.
	ben.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 4, "4001001")
	ben.ctl("maintenance", "list").wants(t, 0, "offered to you")
	cem.ctl("maintenance", "list").wants(t, 0, "offered to uid 4001002")
	cem.ctl("status").wants(t, 0, "offered to uid 4001002")
	cem.ctl("show", "db").wants(t, 0, "offered to uid 4001002")
	ann.ctl("start", "db").wants(t, 0)
	d.waitStarts("db", 2)

	ann.ctl("maintenance", "transfer", "db", "--withdraw").wants(t, 0, "WITHDRAWN")
	ann.ctl("maintenance", "transfer", "db", "--withdraw").wants(t, 3, "nobody")
	ben.ctl("maintenance", "accept", "--offered").wants(t, 3, "no lock is offered")
	ann.ctl("maintenance", "transfer", "db", "web", "--to", "4001002").wants(t, 0)
	d.kill9() // an offer outlives supd
	d.start()
	d.shoot("db", syscall.SIGKILL)
	ben.ctl("maintenance", "accept", "--offered").wants(t, 0, "LOCKED", "disk")
	locks := d.locks()
	if len(locks) != 2 || slices.ContainsFunc(locks, func(l lockStatus) bool {
		return *l.LoginUID != 4001002 || l.Reason != "disk" || l.Ticket != "OPS-1" || l.Overdue
	}) {
		t.Fatalf("after the shift change: %+v", locks)
	}
	if n := len(d.events("db", "maintenance.transferred")); n != 1 {
		t.Errorf("%d events", n)
	}
	d.unchanged("nothing acts at a shift change", "db", "web")
	ann.ctl("maintenance", "end", "db").wants(t, 4, "4001002")
	ann.ctl("start", "db").wants(t, 4, "4001002")
	ben.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	ben.ctl("maintenance", "end", "web").wants(t, 0)
	d.waitStarts("db", 3)
}

// The same on the files alone, for a group and for everything.
func TestRow12_ShiftChangeWithoutTheDaemon(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+"[group.front]\nservices = [\"db\"]\n"+service("db", ""))
	d.up("db")
	d.kill9()
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	for _, target := range []string{"@front", "--all"} {
		ann.ctl("maintenance", "start", target, "-m", "move").wants(t, 0)
		ann.ctl("maintenance", "transfer", target, "--to", "4001001").wants(t, 2, "that is you")
		ann.ctl("maintenance", "transfer", target, "--to", "4294967295").wants(t, 2, "no login")
		ann.ctl("maintenance", "transfer", target, "--to", "4001002").wants(t, 0, "OFFERED", "knows no user with uid 4001002")
		ben.ctl("maintenance", "accept", target).wants(t, 0, "LOCKED", "move")
	}
	ann.ctl("maintenance", "end", "@front", "--force").wants(t, 4, "4001002")
	d.start()
	d.shoot("db", syscall.SIGKILL)
	d.unchanged("the heir's locks hold", "db")
	ben.ctl("maintenance", "end", "--mine", "--leave-stopped").wants(t, 0)
}

package e2e

import (
	"slices"
	"syscall"
	"testing"
)

// Row 11: two people hold db, one ends.
func TestRow11_TwoHoldersOneEnds(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
	ben.ctl("maintenance", "start", "db", "-m", "schema").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	ann.ctl("maintenance", "end", "db").wants(t, 0, "4001002", "schema")
	if s := d.status("db"); !slices.Contains(s.holds(), "lock") || s.Holds[0].Reason != "schema" {
		t.Fatalf("db's holds are %v", s.Holds)
	}
	d.unchanged("still held", "db")
	ann.ctl("start", "db").wants(t, 4, "schema")
	ben.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("db", 2)
}

// Row 11: one account, two login sessions: two locks, and each session's end takes its own.
func TestRow11_OneAccountTwoSessions(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	one, two := d.login(4001001, 0), d.login(4001001, 0)
	one.ctl("maintenance", "start", "db", "-m", "first").wants(t, 0)
	two.ctl("maintenance", "start", "db", "-m", "second").wants(t, 0)
	if n := len(d.locks()); n != 2 {
		t.Fatalf("%d locks, want 2", n)
	}
	one.ctl("maintenance", "end", "db").wants(t, 0, "second")
	if got := d.locks(); len(got) != 1 || got[0].Reason != "second" {
		t.Fatalf("left: %v", got)
	}
	two.ctl("maintenance", "end", "db").wants(t, 0)
	if n := len(d.locks()); n != 0 {
		t.Fatalf("%d locks left", n)
	}
}

// Row 12, as far as it goes now: nobody ends another's lock; breaking needs the admin role and a reason and opens nothing.
func TestRow12_AnotherPersonEndsOrBreaksMyLock(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+"[api]\noperators = [\"user:4001003\"]\n"+service("db", ""))
	d.up("db")
	ann, ben, cem := d.login(4001001, 0), d.login(4001002, 0), d.login(4001003, 4001003)
	ann.ctl("maintenance", "start", "db", "--stop", "-m", "disk").wants(t, 0)
	id := d.locks()[0].ID
	for _, p := range []*somebody{ben, cem} {
		p.ctl("maintenance", "end", "db").wants(t, 4, "4001001")
		p.ctl("start", "db").wants(t, 4, "4001001")
	}
	cem.ctl("maintenance", "break", id, "--reason", "I need it", "--yes").wants(t, 10)
	ben.ctl("maintenance", "break", id, "--yes").wants(t, 2, "reason")
	if got := d.locks(); len(got) != 1 || got[0].ID != id {
		t.Fatalf("the lock is gone: %v", got)
	}
	ben.ctl("maintenance", "break", id, "--reason", "ann is on leave", "--yes").wants(t, 0)
	got := d.locks()
	if len(got) != 1 || got[0].ID == id || *got[0].LoginUID != 4001002 {
		t.Fatalf("after the break: %v", got)
	}
	if len(d.events("db", "maintenance.broken")) != 1 {
		t.Error("the break was not recorded")
	}
	d.unchanged("a break opens nothing", "db")
	ann.ctl("maintenance", "end", "db").wants(t, 4, "4001002")
	ben.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("db", 2)
}

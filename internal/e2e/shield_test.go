package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// needing is a db, and a web that needs it and has a check that restarts it.
func needing() string {
	return quick + service("db", "") + strings.Replace(checked("web"), "ready = ", "depends_on = [\"db\"]\nready = ", 1)
}

// told says whether a record has an event of a type that is more than a notice: what an alert goes out for.
func (d *daemon) told(service, kind string) bool {
	d.t.Helper()
	for _, e := range d.events(service, kind) {
		if e.Severity != "notice" {
			return true
		}
	}
	return false
}

// While a service is down under a lock, the failures of what needs it are explained by that: no restart, no alert, and it
// says why. When it is back, what needs it is decided afresh, with nothing counted.
func TestShieldWhileThePrerequisiteIsDown(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, needing())
	d.touch("web.sign")
	d.start()
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0, `running services need "db"`, `"web"`, "does not act on their failures")
	if s := d.status("web"); s.Shielded != "db" || s.State != "up" {
		t.Errorf("web runs without what it needs: %+v", s)
	}
	d.ctl("explain", "web").wants(t, 0, `it needs "db"`, "its failures are explained by that and act on nothing until then")
	d.ctl("show", "web").wants(t, 0, "shielded by db")

	d.untouch("web.sign") // it notices that its database is away
	eventually(t, "the check's failure is recorded", func() string {
		for _, e := range d.events("web", "check.failed") {
			if e.Fields["under"] == "explained" && e.Fields["explained_by"] == "db" {
				return ""
			}
		}
		return "no event"
	})
	d.unchanged("a failing check is explained", "web")

	d.shoot("web", syscall.SIGKILL) // and dies of it
	d.waitState("web", "down")
	d.unchanged("a crash is explained", "web")
	if s := d.status("web"); s.Shielded != "db" || !strings.Contains(s.Detail, `explained by "db", which is down`) {
		t.Errorf("web is down and does not say why: %+v", s)
	}
	d.ctl("explain", "web").wants(t, 0, `it waits for "db"`, "is decided afresh when that is ready")
	d.ctl("start", "web").wants(t, 4, `cannot start "web": it needs "db", held by`)
	if len(d.events("web", "service.explained")) != 1 || d.told("web", "service.explained") || d.told("web", "check.failed") || len(d.events("web", "service.crashed")) > 0 {
		t.Errorf("alerts of what is explained: %v %v %v", d.events("web", "service.explained"), d.events("web", "check.failed"), d.events("web", "service.crashed"))
	}

	d.touch("web.sign")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("web", 2)
	d.up("web")
	if s := d.status("web"); s.Shielded != "" {
		t.Errorf("still shielded by %q", s.Shielded)
	}
	d.shoot("web", syscall.SIGKILL) // the next failure is its own
	d.waitStarts("web", 3)
	if !d.told("web", "service.crashed") {
		t.Error("the crash after the maintenance is not told")
	}
}

// What was stopped while its prerequisite was away stays stopped when that is back, and what runs on is left alone.
func TestShieldDecidesAfresh(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "depends_on = [\"db\"]\n")+service("api", "depends_on = [\"db\"]\n")+service("off", "depends_on = [\"db\"]\n"))
	d.up("db", "web", "api", "off")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	d.shoot("web", syscall.SIGKILL)
	d.shoot("off", syscall.SIGTERM) // on purpose
	d.waitState("web", "down")
	d.waitHold("off", "operator-stop")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("web", 2)
	d.up("web")
	d.waitStarts("api", 1)
	d.waitStarts("off", 1)
	d.unchanged("nobody asked for these", "api", "off")
}

// A locked service that is up shields nothing: what needs it is repaired as ever.
func TestShieldNeedsThePrerequisiteDown(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "depends_on = [\"db\"]\n"))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	if s := d.status("web"); s.Shielded != "" {
		t.Errorf("shielded by %q, which is up", s.Shielded)
	}
	d.shoot("web", syscall.SIGKILL)
	d.waitStarts("web", 2)
	if !d.told("web", "service.crashed") {
		t.Error("the crash is not told")
	}
}

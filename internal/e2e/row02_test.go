package e2e

import (
	"strings"
	"testing"
)

// twoPeople is a config with a database and a web server that needs it.
const dependent = "depends_on = [\"db\"]\n"

// Row 2: db is held and down; whatever is asked of what depends on it, db is not touched and the answer comes at once.
func TestRow02_StartOfDependentsUnderAHold(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", dependent+"autostart = false\n")+
		service("other", "")+"[group.site]\nservices = [\"db\", \"web\"]\n")
	d.up("db", "other")
	ann := d.login(4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop", "-m", "index rebuild").wants(t, 0)
	d.waitState("db", "down")

	for _, verb := range []string{"start", "restart"} {
		r := d.ctl(verb, "web").wants(t, 4, `cannot `+verb+` "web": it needs "db", held by `, "since ", "(index rebuild)")
		if !strings.Contains(r.Err, "4001001") {
			t.Errorf("does not say whose lock it is: %s", r.Err)
		}
	}
	d.ctl("start", "@site").wants(t, 4, "index rebuild")
	d.ctl("start", "--all").wants(t, 4, "index rebuild")
	d.ctl("restart", "--all").wants(t, 4, "index rebuild")
	d.ctl("start", "other").wants(t, 0)
	if n := len(d.starts("db")); n != 1 {
		t.Errorf("db was started %d times, want 1", n)
	}
	if n := len(d.starts("web")); n != 0 {
		t.Errorf("web was started %d times without its database", n)
	}
	d.unchanged("nothing follows", "db", "web")
}

// Row 2: a restart of what runs must not begin when its start could not follow.
func TestRow02_RestartOfARunningDependentUnderAHold(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", dependent))
	pids := d.up("db", "web")
	d.ctl("maintenance", "start", "db", "-m", "index rebuild").wants(t, 0)
	d.ctl("stop", "db", "--with-dependents=false").wants(t, 5, "web")
	d.shoot("db", 15) // by other means: web goes on
	d.waitState("db", "down")
	d.ctl("restart", "web").wants(t, 4, `cannot restart "web": it needs "db", held by `, "(index rebuild)")
	if s := d.status("web"); s.State != "up" || s.PID != pids[1] {
		t.Fatalf("web is %s with process %d, want up with %d", s.State, s.PID, pids[1])
	}
	d.unchanged("web stays as it is", "db", "web")
}

// Row 2 without anybody's lock: an operator stop of the database holds as well.
func TestRow02_StartOfADependentUnderAnOperatorStop(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", dependent))
	d.up("db", "web")
	d.ctl("stop", "db", "--with-dependents").wants(t, 0)
	d.waitState("web", "down")
	d.ctl("start", "web").wants(t, 4, `cannot start "web": it needs "db", held by `)
	d.unchanged("db stays down", "db", "web")
	d.ctl("start", "db").wants(t, 0)
	d.ctl("start", "web").wants(t, 0)
	d.up("db", "web")
}

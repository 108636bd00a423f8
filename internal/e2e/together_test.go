package e2e

import "testing"

// chain is three services, each of which needs the next, in an order that no alphabet has.
func chain() string {
	return quick + service("p", "") + service("db", "depends_on = [\"p\"]\n") + service("a", "depends_on = [\"db\"]\n")
}

// Services that one command names are one wish: in whatever order they are written, none is refused for the sake of another.
func TestSeveralInOneCommandAreOneWish(t *testing.T) {
	t.Parallel()
	d := started(t, chain())
	d.up("p", "db", "a")
	d.ctl("stop", "p", "a", "db").wants(t, 0)
	d.ctl("start", "a", "p", "db").wants(t, 0)
	d.up("p", "db", "a")
	d.ctl("stop", "--all").wants(t, 0)
	d.ctl("start", "--all").wants(t, 0)
	d.up("p", "db", "a")
	before := len(d.starts("a"))
	d.ctl("restart", "--all").wants(t, 0)
	d.up("p", "db", "a")
	if d.waitStarts("a", before+1)[before].T < d.starts("p")[len(d.starts("p"))-1].T {
		t.Error("a was restarted before what it needs")
	}
	d.ctl("stop", "a", "db").wants(t, 0)
	d.ctl("stop", "p").wants(t, 0)
	d.ctl("start", "p", "a").wants(t, 4, `"a": it needs "db", held by`) // nobody asked for db
	d.ctl("start", "--all", "--no-wait").wants(t, 0)
	d.up("p", "db", "a")
}

// The same for locks: what was taken down together comes up together.
func TestSeveralLocksEndWithAStart(t *testing.T) {
	t.Parallel()
	d := started(t, chain())
	d.up("p", "db", "a")
	d.ctl("maintenance", "start", "a", "db", "p", "--stop").wants(t, 0)
	d.ctl("maintenance", "end", "a", "db", "p", "--start").wants(t, 0)
	d.up("p", "db", "a")
	d.ctl("maintenance", "start", "--all", "--stop").wants(t, 0)
	d.ctl("maintenance", "end", "--all", "--start").wants(t, 0)
	d.up("p", "db", "a")
}

package e2e

import (
	"syscall"
	"testing"
)

// Waiting for what only a person can bring about ends at once and says who holds it; a time-out, a lock of one's own, or a
// start under way make it a wait as ever.
func TestWaitOnAHeldServiceSaysWhoHoldsIt(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "depends_on = [\"db\"]\n"))
	d.up("db", "web")
	alice, bob := d.login(700001, 0), d.login(700002, 0)
	alice.ctl("maintenance", "start", "db", "--stop", "-m", "new disk").wants(t, 0)
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "down")

	bob.ctl("wait", "db", "--for", "up").wants(t, 4, `cannot wait for "db" to be up`, "new disk", "supctl explain db")
	bob.ctl("wait", "web", "--for", "ready").wants(t, 4, `"web" needs "db"`, "new disk")
	bob.ctl("wait", "db", "--for", "up", "--timeout", "100ms").wants(t, 1)
	bob.ctl("wait", "db", "--for", "down").wants(t, 0)

	waiting := make(chan result, 1)
	other := d.login(700001, 0) // alice's second terminal
	go func() { waiting <- other.ctl("wait", "db", "web", "--for", "ready") }()
	alice.ctl("start", "db").wants(t, 0)
	d.finish(waiting).wants(t, 0)
	alice.ctl("maintenance", "end", "db").wants(t, 0)

	d.ctl("stop", "web").wants(t, 0)
	d.ctl("wait", "web", "--for", "up").wants(t, 4, "supctl explain web")
	for range 20 { // a start that nobody waits for is under way from its answer on
		d.ctl("start", "web", "--no-wait").wants(t, 0)
		d.ctl("wait", "web", "--for", "up").wants(t, 0)
		d.ctl("stop", "web").wants(t, 0)
	}
}

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// Started where nothing can be written, supd watches and holds everything, and says so wherever it is asked. As soon as there is
// room it goes on by itself.
func TestStartedOnAFullDiskNothingIsStartedUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", ""))
	d.mounted()
	d.start()
	d.up("db", "web")
	d.kill9()
	free := d.brimful()
	d.start()
	d.waitState("web", "up")
	d.shoot("db", syscall.SIGKILL)
	d.waitHold("db", "unreadable")
	d.waitHold("web", "unreadable")
	d.unchanged("who cannot write its state starts nothing", "db", "web")
	d.ctl("status").wants(t, 1, "cannot put the config in force", "no space left", "tries again", "make room")
	d.ctl("start", "db").wants(t, 4, "no space left")
	d.ctl("maintenance", "check", "db").wants(t, 8, "no space left")
	d.ctl("maintenance", "list").wants(t, 8, "everything counts as locked", "no space left")
	d.ctl("maintenance", "doctor").wants(t, 8, "no space left")
	if r, ran := d.guarded("web"); ran {
		t.Errorf("a guarded command ran: %s", r.both())
	}

	free()
	d.waitStarts("db", 2) // nobody has asked for anything
	d.waitState("db", "up")
	if p := d.problems(); strings.Contains(p, "in force") {
		t.Errorf("said although it is over: %s", p)
	}
	d.ctl("maintenance", "check", "db").wants(t, 0, "free")
	d.ctl("maintenance", "doctor").wants(t, 0, "nothing is wrong")
	d.shoot("web", syscall.SIGKILL)
	d.waitStarts("web", 2)
}

package vm

import "testing"

// A lock, an operator stop and what was left stopped survive a clean reboot, and supd starts none of them; what is free comes up.
func TestRebootKeepsLocksAndStops(t *testing.T) {
	h := newHost(t, quick+service("locked", "")+service("stopped", "")+service("left", "")+service("free", ""))
	h.boot()
	_, before := h.run("/init", "bootid")
	h.start()
	for _, name := range []string{"locked", "stopped", "left", "free"} {
		h.waitState(name, "up")
	}
	h.ctl(0, "maintenance", "start", "locked", "-m", "new disk")
	h.ctl(0, "stop", "stopped")
	h.ctl(0, "maintenance", "start", "left", "--stop", "-m", "retired")
	h.ctl(0, "maintenance", "end", "left", "--leave-stopped")
	h.off()

	h.boot()
	if _, after := h.run("/init", "bootid"); after == before {
		t.Fatalf("boot id %s as before: that was no reboot", after)
	}
	h.ctl(4, "maintenance", "check", "locked")
	h.start()
	h.waitState("free", "up")
	h.waitHold("locked", "lock")
	h.waitHold("stopped", "operator-stop")
	h.waitHold("left", "operator-stop")
	for _, name := range []string{"locked", "stopped", "left"} {
		if n := h.starts(name); n != 0 {
			t.Errorf("%s was started %d times", name, n)
		}
	}
	h.ctl(0, "start", "stopped")
	h.ctl(0, "maintenance", "end", "locked", "--start")
	h.waitState("stopped", "up")
	h.waitState("locked", "up")
}

package e2e

import (
	"slices"
	"testing"
)

// Row 4: a plain restart of supd, services staying or stopping with it.
func TestRow04_DaemonRestart(t *testing.T) {
	for _, onExit := range []string{"leave", "stop"} {
		t.Run(onExit, func(t *testing.T) {
			t.Parallel()
			d := started(t, "[daemon]\non_exit = \""+onExit+"\"\n"+quick+service("db", "")+service("web", "")+service("batch", "")+service("idle", "autostart = false\n"))
			d.up("db", "web", "batch")
			d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
			d.ctl("stop", "batch").wants(t, 0)
			for range 3 {
				before := len(d.starts("web"))
				d.stop()
				d.start()
				d.up("web")
				want := map[string]int{"leave": before, "stop": before + 1}[onExit]
				if got := len(d.starts("web")); got != want {
					t.Fatalf("web was started %d times, want %d", got, want)
				}
				if s := d.status("db"); s.State != "down" || !slices.Contains(s.holds(), "lock") {
					t.Fatalf("db is %s, held by %v", s.State, s.holds())
				}
				if s := d.status("batch"); s.State != "down" || s.Want != "down" || !slices.Contains(s.holds(), "operator-stop") {
					t.Fatalf("batch is %s, want %s, held by %v", s.State, s.Want, s.holds())
				}
			}
			d.unchanged("the lock and the stop hold", "db", "batch", "idle")
			d.waitStarts("db", 1)
			d.waitStarts("batch", 1)
			d.waitStarts("idle", 0)
		})
	}
}

// Row 5: a reboot keeps locks; what is not held starts.
func TestRow05_Reboot(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "-m", "new disk").wants(t, 0)
	for range 2 {
		d.reboot()
		d.up("web")
		if s := d.status("db"); s.State != "down" || !slices.Contains(s.holds(), "lock") {
			t.Fatalf("db is %s, held by %v", s.State, s.holds())
		}
	}
	d.unchanged("the lock holds", "db")
	d.ctl("maintenance", "end", "db").wants(t, 5, "--start", "--leave-stopped")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("db", 2)
}

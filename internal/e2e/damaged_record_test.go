package e2e

import (
	"os"
	"syscall"
	"testing"
)

// A record that cannot be read held its service at the gate only: the look before found nothing, so supd went round and
// round, thousands of times a second, and told everybody who asked that the service was free.
func TestADamagedRecordIsOneHold(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	if err := os.WriteFile(d.state("inflight/db"), []byte("junk ["), 0o644); err != nil {
		t.Fatal(err)
	}
	d.shoot("db", syscall.SIGKILL)
	d.shoot("web", syscall.SIGKILL)
	d.waitStarts("web", 2)
	eventually(t, "status names the file", func() string {
		if r := d.ctl("status", "db"); r.Code != 1 {
			return r.both() + "."
		}
		return ""
	})
	d.ctl("status", "db").wants(t, 1, "unreadable", "inflight/db", "doctor")
	d.ctl("maintenance", "check", "db").wants(t, 8, "inflight/db")
	d.ctl("start", "db").wants(t, 4, "inflight/db")
	d.kill9()
	d.ctl("maintenance", "check", "db").wants(t, 8, "inflight/db")
	d.start()
	d.waitState("web", "up")
	d.ctl("maintenance", "check", "db").wants(t, 8, "inflight/db")
	d.waitStarts("db", 1)
	if n := len(d.events("db", "service.unreadable")); n > 2 { // one for each supd
		t.Errorf("%d events", n)
	}
	for _, kind := range []string{"service.released", "action.suppressed"} {
		if n := len(d.events("db", kind)); n > 3 {
			t.Errorf("%d events %s", n, kind)
		}
	}
	if err := os.WriteFile(d.state("inflight/db"), nil, 0o644); err != nil { // as the doctor's command does, without its lock
		t.Fatal(err)
	}
	d.waitStarts("db", 2)
}

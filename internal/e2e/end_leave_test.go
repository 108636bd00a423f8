package e2e

import "testing"

// What has crashed under a lock and is released with --leave-stopped stays down, though nobody had stopped it before: found by the storm.
func TestEndLeaveStoppedAfterACrash(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.shoot("db", 9)
	d.waitState("db", "down")
	d.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 0)
	d.waitHold("db", "operator-stop")
	d.unchanged("it stays down", "db")
	if all := d.starts("db"); len(all) != 1 {
		t.Errorf("started: %v", all)
	}
}

// Who says both --leave-stopped and --force, in a hurry, has said that it stays down all the same.
func TestEndLeaveStoppedByForce(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.shoot("db", 9)
	d.waitState("db", "down")
	d.ctl("maintenance", "end", "db", "--leave-stopped", "--force").wants(t, 0)
	d.waitHold("db", "operator-stop")
	d.unchanged("it stays down", "db")
	if all := d.starts("db"); len(all) != 1 {
		t.Errorf("started: %v", all)
	}
}

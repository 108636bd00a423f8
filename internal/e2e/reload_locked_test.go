package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A reload --apply that leaves out a locked service says so the first time as later: the same code and the same words, and
// status shows at once what waits. The owner's own lock is no exception: whoever deploys means no work under way.
func TestReloadApplyOfALockedServiceSaysTheSameEachTime(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	pids := d.up("db", "web")
	alice := d.login(700031, 0)
	alice.ctl("maintenance", "start", "db", "-m", "index").wants(t, 0)
	d.config(quick + service("db", "env = { A = \"1\" }\n") + service("web", "env = { A = \"1\" }\n"))
	var first string
	for i, who := range []func(...string) result{d.ctl, d.ctl, alice.ctl} {
		r := who("reload", "--apply").wants(t, 4, "pending: db", `cannot change "db" while it is locked: held by uid 700031`, "index", "then supctl reload --apply")
		_, refusal, _ := strings.Cut(r.Err, "supctl: ") // before it is what was done
		if i == 0 {
			first = refusal
		} else if i == 1 && refusal != first {
			t.Errorf("first: %s\nthen: %s", first, refusal)
		}
		s := d.all()
		if !s["db"].Pending || s["db"].PID != pids[0] || s["web"].Pending || s["web"].PID == pids[1] {
			t.Fatalf("db %+v\nweb %+v", s["db"], s["web"])
		}
	}
	d.ctl("reload").wants(t, 0, "pending: db")
	d.ctl("status").wants(t, 0, "up, change pending")
	d.ctl("explain", "db").wants(t, 0, "its new config waits for the end of the lock")
	alice.ctl("restart", "db").wants(t, 0) // as what it was locked as
	if !d.status("db").Pending {
		t.Error("not pending after a restart under the lock")
	}
	d.kill9()
	d.start() // which has a plan on disk, and a config that is another
	if !d.status("db").Pending {
		t.Error("not pending for the next supd")
	}
	alice.ctl("maintenance", "end", "db").wants(t, 0)
	eventually(t, "the new config counts", func() string {
		d.ctl("restart", "db").wants(t, 0)
		if s := d.status("db"); s.Pending {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	d.ctl("reload", "--apply").wants(t, 0)
}

// What a lock kept back is in force for the next start as soon as the lock has ended, without another reload.
func TestChangeKeptBackByALockIsInForceAfterIt(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	d.config(quick + service("db", "dir = \"$DIR/state\"\n"))
	d.ctl("reload").wants(t, 0, "db: dir changed", "pending until its lock has ended")
	if !d.status("db").Pending {
		t.Error("not pending")
	}
	d.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 0)
	eventually(t, "nothing is pending", func() string {
		if s := d.status("db"); s.Pending {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	d.ctl("start", "db").wants(t, 0)
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", d.up("db")[0])); err != nil || dir != d.path("state") {
		t.Errorf("it was started in %s (%v)", dir, err)
	}
}

package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// Who takes a lock over that is not ready was told LOCKED and to begin: at a change of shift, of all moments.
func TestALockThatIsTakenOverIsNoMoreReadyThanBefore(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", "[service.db.maintenance]\nrequire_ticket = \"OPS-[0-9]+\"\n"))
		d.up("db")
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)
		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 7, "NOT READY")
		ann.ctl("maintenance", "transfer", "db", "--to", "4001002").wants(t, 0)
		ben.ctl("maintenance", "accept", "db").wants(t, 7, "NOT READY", "ticket")
		ann.ctl("maintenance", "break", d.lockOf("db"), "-m", "mine again", "--yes").wants(t, 7, "NOT READY", "ticket")
		w.back(d)
		ann.ctl("maintenance", "ready", "db", "--ticket", "OPS-7").wants(t, 0)
	})
}

// Without supd nothing was stopped: whoever broke the lock had one that said it was down, and ready.
func TestABrokenLockStillSaysThatNothingWasStopped(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	pid := d.up("db")[0]
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	d.freeze()
	ann.ctl("maintenance", "start", "db", "--stop").wants(t, 7, "NOT READY")
	ben.ctl("maintenance", "break", d.lockOf("db"), "-m", "ann left", "--yes").wants(t, 7, "NOT READY", "stop")
	d.thaw()
	d.waitHold("db", "lock")
	if locks := d.locks(); len(locks) != 1 || locks[0].Ready || !alive(pid) {
		t.Errorf("alive: %v, locks %+v", alive(pid), locks)
	}
}

// A hold of a newer version held without a word: no kind, no file, and since 1754.
func TestAHoldOfANewerVersionIsNamed(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", ""))
		d.up("db")
		w.before(d)
		path := d.state("holds/db/zzz.toml")
		if err := os.WriteFile(path, []byte("format = 9\nid = \"zzz\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		w.back(d)
		d.waitHold("db", "unreadable")
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		d.ctl("start", "db").wants(t, 4, path, "format 9")
		d.ctl("status", "db").wants(t, 1, "zzz.toml")
		d.unchanged("it holds whatever it says", "db")
	})
}

// Of two sessions of one login the other one's lock may be ended where there is but one, and that is said.
func TestTheEndOfAnotherSessionsLockIsSaid(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := started(t, quick+service("db", ""))
		d.up("db")
		ann, also := d.login(4001001, 0), d.login(4001001, 0)
		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		also.ctl("maintenance", "end", "db", "--force").wants(t, 0, "another session of yours, which is still there")
		w.back(d)
	})
}

// The plan keeps what left the config for as long as its lock keeps supd from taking it down; doctor said that nothing was wrong.
func TestDoctorKnowsOrphansThatThePlanStillHas(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "--stop", "-m", "disk").wants(t, 0)
	d.config(quick + service("web", ""))
	d.ctl("reload", "--apply")
	id := d.lockOf("db")
	if r := d.ctl("maintenance", "doctor"); r.Code == 0 || !strings.Contains(r.Out, id) || !strings.Contains(r.Out, "orphaned") {
		t.Errorf("%d: %s", r.Code, r.Out)
	}
}

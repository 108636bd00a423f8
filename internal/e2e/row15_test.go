package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// checked is a service that is restarted when its file has been away for three looks in a row.
func checked(name string) string {
	return service(name, fmt.Sprintf("[service.%s.check.sign]\ntype = \"file\"\npath = \"$DIR/%s.sign\"\nevery = \"200ms\"\ntimeout = \"100ms\"\nfail_after = 5\non_fail = \"restart\"\n", name, name))
}

// Row 15: what failed during the hold is not held against the service afterwards.
func TestRow15_FailuresDuringTheHold(t *testing.T) {
	t.Parallel()
	text := quick + checked("mended") + checked("failing")
	d := newDaemon(t, text)
	d.touch("mended.sign")
	d.touch("failing.sign")
	d.start()
	d.up("mended", "failing")
	d.ctl("maintenance", "start", "mended", "failing").wants(t, 0)
	d.untouch("mended.sign")
	d.untouch("failing.sign")
	eventually(t, "checks fail", func() string {
		all := d.all()
		if all["mended"].Checks.Failing == 1 && all["failing"].Checks.Failing == 1 {
			return ""
		}
		return fmt.Sprint(all["mended"].Checks, all["failing"].Checks)
	})
	d.unchanged("checks act on nothing under a lock", "mended", "failing")
	d.ctl("maintenance", "end", "failing").wants(t, 5, "sign")
	d.touch("mended.sign")
	d.ctl("maintenance", "end", "mended").wants(t, 0) // the try-out looks afresh
	released := boottime()
	d.ctl("maintenance", "end", "failing", "--force").wants(t, 0)
	again := d.waitStarts("failing", 2)[1]
	// Five looks from the release on, at 200 ms: not before the fifth could have been.
	if waited := time.Duration(again.T - released); waited < 600*time.Millisecond {
		t.Errorf("restarted %s after the release: failures from under the lock were counted", waited)
	}
	d.touch("failing.sign")
	d.up("mended", "failing")
	d.unchanged("nothing queued fires", "mended")
	d.waitStarts("mended", 1)
}

// Row 15: crashes of the work do not count towards the back-off or the limit.
func TestRow15_CrashesDuringTheHold(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.restart]\nlimit = \"2 in 10m\"\nbackoff = { first = \"0s\", then = \"10m\", max = \"10m\", jitter = 0.0 }\n"))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	for range 4 {
		d.shoot("db", syscall.SIGKILL)
		d.waitState("db", "down")
		d.ctl("start", "db").wants(t, 0)
	}
	n := len(d.starts("db"))
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.shoot("db", syscall.SIGKILL) // the first crash after the work: repaired at once
	d.waitStarts("db", n+1)
	if s := d.waitState("db", "up"); len(s.Holds) != 0 {
		t.Errorf("holds: %v", s.Holds)
	}
}

// Row 15: the settle time after a release alerts and does not act, then acts.
func TestRow15_SettleTime(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"2s\"\n"+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	released := boottime()
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	again := d.waitStarts("db", 2)[1]
	if after := time.Duration(again.T - released); after < 2*time.Second {
		t.Errorf("started %s after the release, settle is 2s", after)
	}
	if len(d.events("db", "service.crashed")) != 1 {
		t.Error("the crash was not told")
	}
}

// Row 17: supd is dead or hung, and I take a lock.
func TestRow17_LockWithoutTheDaemon(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	web := d.up("db", "web")[1]

	d.kill9()
	d.ctl("maintenance", "start", "db", "-m", "dead").wants(t, 0, "LOCKED")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	d.ctl("maintenance", "check", "web").wants(t, 0)
	syscall.Kill(d.lastPID("db"), syscall.SIGKILL)
	d.start()
	if s := d.waitHold("db", "lock"); s.Holds[0].Reason != "dead" {
		t.Fatalf("holds: %v", s.Holds)
	}
	d.unchanged("the lock of the dead time holds", "db")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)

	d.freeze()
	d.ctl("maintenance", "start", "db", "-m", "hung").wants(t, 0, "LOCKED")
	syscall.Kill(d.lastPID("db"), syscall.SIGKILL)
	d.thaw()
	s := d.waitHold("db", "lock")
	if s.Holds[0].Reason != "hung" {
		t.Fatalf("holds: %v", s.Holds)
	}
	d.waitState("db", "down")
	d.unchanged("the lock of the hung time holds", "db")
	if n := len(d.locks()); n != 1 {
		t.Errorf("%d locks, want 1: the late daemon made one as well", n)
	}
	d.freeze()
	d.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 0)
	d.thaw()
	d.waitHold("db", "operator-stop")
	d.unchanged("left stopped", "db")
	if s := d.status("web"); s.PID != web {
		t.Errorf("web was bounced")
	}
}

// Row 17: the disk is full. Locks are still taken, from spare blocks; when those are gone too the failure is loud, and what
// was to be locked is never acted on while supd lives.
func TestRow17_LockOnAFullDisk(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := newDaemon(t, quick+service("db", "", "-slow-stop", "1ms")+service("web", ""))
	if err := os.Mkdir(d.path("state"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", d.path("state"), "tmpfs", 0, "size=4m,mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(d.path("state"), syscall.MNT_DETACH) })
	d.start()
	d.up("db", "web")
	fill, err := os.Create(d.state("fill"))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for {
		if _, err := fill.Write(block); err != nil {
			break
		}
	}
	fill.Close()
	d.ctl("maintenance", "start", "db", "-m", "full").wants(t, 0, "LOCKED")
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	d.unchanged("the lock on the full disk holds", "db")
	d.shoot("web", syscall.SIGKILL) // the rest is supervised on
	d.waitStarts("web", 2)

	taken := 1
	for ; taken < 200; taken++ {
		r := d.ctl("maintenance", "start", "web", "-m", fmt.Sprint(taken))
		if r.Code != 0 {
			r.wants(t, 1, "space")
			break
		}
		if r := d.ctl("maintenance", "end", "web"); r.Code != 0 {
			t.Logf("end: %v", r)
		}
	}
	t.Logf("%d locks on a full disk", taken)
	left, _ := filepath.Glob(d.state("locks/service/db/*.toml"))
	if len(left) == 0 {
		t.Error("the lock of the full disk is gone")
	}
	d.unchanged("db is held", "db")
}

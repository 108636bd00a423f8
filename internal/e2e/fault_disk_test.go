package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// stateBytes is the size of a state directory that can be filled.
const stateBytes = "size=4m"

// mounted gives the daemon a state directory that is a file system of its own.
func (d *daemon) mounted() { d.t.Helper(); d.mountedOf(stateBytes) }

func (d *daemon) mountedOf(size string) {
	d.t.Helper()
	needsRoot(d.t)
	if err := os.MkdirAll(d.path("state"), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", d.path("state"), "tmpfs", 0, size+",mode=755"); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { unix.Unmount(d.path("state"), unix.MNT_DETACH) })
}

// fill takes all room there is in the state directory and returns what gives it back.
func (d *daemon) fill() (free func()) {
	d.t.Helper()
	f, err := os.Create(d.state("ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 4096); ; {
		if _, err := f.Write(chunk); errors.Is(err, unix.ENOSPC) {
			break
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
	return func() {
		d.t.Helper()
		if err := os.Remove(d.state("ballast")); err != nil {
			d.t.Fatal(err)
		}
	}
}

// readOnly makes the state directory read-only, as an error of its file system would. (A mount on top: the file system
// itself cannot be remounted while logs are open for writing.)
func (d *daemon) readOnly() (writable func()) {
	d.t.Helper()
	needsRoot(d.t)
	err := unix.Mount(d.path("state"), d.path("state"), "", unix.MS_BIND, "")
	if err == nil {
		err = unix.Mount("", d.path("state"), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { unix.Unmount(d.path("state"), unix.MNT_DETACH) })
	return func() {
		d.t.Helper()
		if err := unix.Unmount(d.path("state"), unix.MNT_DETACH); err != nil {
			d.t.Fatal(err)
		}
	}
}

// unmounted takes the state directory's file system away, also from under a running supd, and leaves an empty mount point.
func (d *daemon) unmounted() (mountedAgain func()) {
	d.t.Helper()
	needsRoot(d.t)
	aside := d.path("disk")
	err := os.MkdirAll(aside, 0o755)
	if err == nil {
		err = unix.Mount(d.path("state"), aside, "", unix.MS_BIND, "")
	}
	if err == nil {
		d.t.Cleanup(func() { unix.Unmount(aside, unix.MNT_DETACH) })
		err = unix.Unmount(d.path("state"), unix.MNT_DETACH)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return func() {
		d.t.Helper()
		err := os.MkdirAll(d.path("state"), 0o755)
		if err == nil {
			err = unix.Mount(aside, d.path("state"), "", unix.MS_BIND, "")
		}
		if err != nil {
			d.t.Fatal(err)
		}
		d.t.Cleanup(func() { unix.Unmount(d.path("state"), unix.MNT_DETACH) })
	}
}

// On a full disk locks are taken, by the daemon and without it; stops are kept; crashes are repaired.
func TestFaultFullDisk(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", "")+service("cache", "")+service("off", ""))
	d.mounted()
	d.start()
	d.up("db", "web", "cache", "off")
	free := d.fill()

	d.ctl("maintenance", "start", "db", "-m", "full").wants(t, 0, "LOCKED")
	d.freeze()
	d.ctl("maintenance", "start", "web", "-m", "full and hung").wants(t, 0, "LOCKED")
	d.thaw()
	d.ctl("stop", "off").wants(t, 0)
	for _, n := range []string{"db", "web", "cache"} {
		d.shoot(n, syscall.SIGKILL)
	}
	d.waitStarts("cache", 2)
	d.waitState("db", "down")
	d.waitState("web", "down")
	d.unchanged("locks taken on a full disk hold", "db", "web", "off")

	d.kill9()
	d.start()
	d.waitHold("db", "lock")
	d.waitHold("web", "lock")
	d.waitHold("off", "operator-stop")
	d.unchanged("also in the next supd, while the disk is still full", "db", "web", "off", "cache")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("db", 2)

	free()
	d.ctl("maintenance", "end", "web", "--start").wants(t, 0)
	d.ctl("start", "off").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitStarts("db", 3)
	eventually(t, "the record goes on", func() string {
		if r := d.ctl("events", "--service", "off", "--type", "service.up"); strings.Count(r.Out, "is up") < 2 {
			return strconv.Quote(r.both())
		}
		return ""
	})
}

// When even the spare files are used up, a lock fails loudly, and what it was for counts as held while supd lives.
func TestFaultFullDiskWithoutSpares(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", "")+service("cache", ""))
	d.mounted()
	d.start()
	d.up("db", "web", "cache")
	free := d.fill()
	spares, err := filepath.Glob(d.state("tmp/spare-*"))
	if err != nil || len(spares) == 0 {
		t.Fatalf("no spare files: %v", err)
	}
	for _, s := range spares {
		if err := os.Remove(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(d.state("ballast"), d.state("ballast0")); err != nil {
		t.Fatal(err)
	}
	freeRest := d.fill()

	d.ctl("maintenance", "start", "db").wants(t, 1, "no space left")
	if all := d.locks(); len(all) != 0 {
		t.Errorf("a lock stands that was said to have failed: %v", all)
	}
	d.shoot("db", syscall.SIGKILL)
	d.unchanged("what was to be locked counts as held", "db")
	d.freeze()
	d.ctl("maintenance", "start", "web").wants(t, 1, "no space left")
	d.thaw()
	d.shoot("cache", syscall.SIGKILL)
	d.waitStarts("cache", 2)
	d.ctl("stop", "cache").wants(t, 1, "no space left")
	d.unchanged("a stop that could not be kept is not begun", "cache")

	freeRest()
	if err := os.Rename(d.state("ballast0"), d.state("ballast")); err != nil {
		t.Fatal(err)
	}
	free()
	d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.waitStarts("db", 2)
}

// A state directory that becomes read-only: supd goes on watching and holds; a lock fails loudly; all is well again when
// the directory is.
func TestFaultStateDirTurnsReadOnly(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", ""))
	d.mounted()
	d.start()
	pids := d.up("db", "web")
	writable := d.readOnly()
	d.ctl("maintenance", "start", "db").wants(t, 1, "read-only")
	if s := d.status("web"); s.State != "up" || s.PID != pids[1] {
		t.Errorf("web is %s with pid %d", s.State, s.PID)
	}
	d.shoot("web", syscall.SIGKILL)
	eventually(t, "the crash is seen", func() string {
		if s := d.status("web"); s.PID == pids[1] {
			return "still up"
		}
		return ""
	})
	d.unchanged("nothing is done that cannot be written down", "web", "db")
	writable()
	d.ctl("start", "web").wants(t, 0)
	d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
}

// Started on a read-only state directory, supd shows the services and acts on none.
func TestFaultStateDirReadOnlyAtTheStart(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", ""))
	d.mounted()
	d.start()
	d.up("db", "web")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.kill9()
	writable := d.readOnly()
	d.start()
	d.up("db", "web")
	d.waitHold("db", "lock")
	if p := d.problems(); !strings.Contains(p, "read-only file system") {
		t.Errorf("status does not say what is wrong: %s", p)
	}
	d.shoot("web", syscall.SIGKILL)
	d.unchanged("nothing is done that cannot be written down", "web", "db")
	writable()
	d.ctl("reload").wants(t, 0)
	d.ctl("start", "web").wants(t, 0)
	d.waitStarts("web", 2)
	d.ctl("maintenance", "check", "db").wants(t, 4)
}

// A state directory that is not mounted when supd starts again is no first start: supd refuses, and the locks are there
// when it is mounted.
func TestFaultStateDirNotMountedAtTheStart(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", ""))
	needsRoot(t)
	d.mounted()
	d.start()
	pid := d.up("db")[0]
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.kill9()
	mountedAgain := d.unmounted()
	refused := func(what string) {
		t.Helper()
		d.begin()
		<-d.gone
		if code := d.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(d.log(), "this is no first start; mount it") {
			t.Errorf("%s: exit code %d, %s", what, code, d.log())
		}
		if left, _ := os.ReadDir(d.path("state")); len(left) != 0 {
			t.Errorf("%s: files were made in the mount point: %v", what, left)
		}
		d.ctl("maintenance", "start", "db").wants(t, 1, d.path("state"))
		d.ctl("maintenance", "check", "db").wants(t, 8)
	}
	refused("not mounted")
	if err := os.Remove(d.path("state")); err != nil {
		t.Fatal(err)
	}
	refused("missing")
	mountedAgain()
	d.start()
	if s := d.waitHold("db", "lock"); s.PID != pid {
		t.Errorf("pid %d, want the same as before: %d", s.PID, pid)
	}
	d.unchanged("the lock holds", "db")
}

// A state directory that vanishes under a running supd: everything counts as held, and is as before when it is back.
func TestFaultStateDirVanishes(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	if err := os.Rename(d.path("state"), d.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	d.shoot("web", syscall.SIGKILL)
	d.waitHold("web", "unreadable")
	d.ctl("status").wants(t, 1, d.path("state"))
	d.ctl("restart", "db").wants(t, 4, d.path("state"))
	d.ctl("maintenance", "check", "db").wants(t, 8)
	d.ctl("maintenance", "start", "db").wants(t, 1, d.path("state"))
	d.unchanged("who cannot see locks acts on nothing", "db", "web")
	if _, err := os.Lstat(d.path("state")); !os.IsNotExist(err) {
		t.Errorf("a new state directory was made: %v", err)
	}
	if err := os.Rename(d.path("elsewhere"), d.path("state")); err != nil {
		t.Fatal(err)
	}
	d.waitStarts("web", 2)
	d.waitState("web", "up")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.ctl("maintenance", "end", "db").wants(t, 0)
	eventually(t, "nothing unreadable", func() string {
		for n, s := range d.all() {
			if len(s.Holds) != 0 {
				return n + " is held: " + s.Holds[0].Reason
			}
		}
		return ""
	})
}

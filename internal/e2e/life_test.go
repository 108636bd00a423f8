package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// ordinary has supd run as an ordinary user: without cgroups, and with no rights but in its own directory.
func (d *daemon) ordinary() {
	d.t.Helper()
	needsRoot(d.t)
	const uid = 47110
	if err := os.Chown(d.dir, uid, uid); err != nil {
		d.t.Fatal(err)
	}
	d.wrap = []string{"setpriv", "--reuid", strconv.Itoa(uid), "--regid", strconv.Itoa(uid), "--clear-groups"}
}

// Killed and started again, a supd without cgroups or rights adopts what runs, ends what a dead service left behind, and
// knows the exit of processes that are not its children.
func TestAdoptionWithoutCgroups(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", "", "-children", "1")+service("off", ""))
	d.ordinary()
	d.start()
	pids := d.up("db", "web", "off")
	d.ctl("stop", "off").wants(t, 0)
	eventually(t, "the child of web", func() string {
		if len(d.noted("web", "child")) == 0 {
			return "not yet"
		}
		return ""
	})
	orphan := d.noted("web", "child")[0].PID
	d.kill9()
	if err := syscall.Kill(pids[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.waitStarts("web", 2)
	if alive(orphan) {
		t.Errorf("process %d of the web that died runs beside the new one", orphan)
	}
	if s := d.waitState("db", "up"); s.PID != pids[0] {
		t.Errorf("db has pid %d, want %d", s.PID, pids[0])
	}
	d.waitHold("off", "operator-stop")
	d.unchanged("an adopted service is left alone", "db", "off")
	d.shoot("db", syscall.SIGTERM)
	if s := d.waitHold("db", "operator-stop"); !strings.Contains(s.Detail+s.Holds[0].Reason, "SIGTERM") {
		t.Errorf("the exit of an adopted process is not known: %q, %v", s.Detail, s.Holds)
	}
}

// on_exit "leave" leaves services to the next supd; "stop" takes them down, dependents first, and holds nothing.
func TestOnExit(t *testing.T) {
	t.Parallel()
	services := quick + service("db", "", "-slow-stop", "10ms") + service("web", "depends_on = [\"db\"]\n", "-slow-stop", "200ms")
	d := started(t, "[daemon]\non_exit = \"leave\"\n"+services)
	pids := d.up("db", "web")
	d.stop()
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !alive(pids[0]) || !alive(pids[1]) {
		t.Error("a service did not outlive supd")
	}
	d.config("[daemon]\non_exit = \"stop\"\n" + services)
	d.start()
	if now := d.up("db", "web"); now[0] != pids[0] || now[1] != pids[1] {
		t.Errorf("pids %v, want %v as before", now, pids)
	}
	d.stop()
	if alive(pids[0]) || alive(pids[1]) {
		t.Error("a service outlives supd")
	}
	db, web := d.noted("db", "SIGTERM"), d.noted("web", "SIGTERM")
	if len(db) != 1 || len(web) != 1 || db[0].T-web[0].T < 200e6 {
		t.Errorf("db was told to end at %v, web at %v: want db when web had ended", db, web)
	}
	d.start()
	d.up("db", "web")
	if s := d.status("db"); len(s.Holds) != 0 {
		t.Errorf("holds %v", s.Holds)
	}
}

// As PID 1 of a container supd reaps what others leave behind, knows exit statuses, and stops everything when it ends,
// whatever on_exit says.
func TestPID1(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := newDaemon(t, "[daemon]\non_exit = \"leave\"\n"+quick+service("db", "", "-children", "2")+
		service("failing", "[service.failing.restart]\npolicy = \"never\"\n", "-exit-after", "1ms", "-code", "42")+
		"\n[service.forks]\ncommand = [\"/bin/sh\", \"-c\", \"for i in 1 2 3 4 5; do (/bin/sleep 0.1 &); done; exec sleep 1000\"]\nready = \"delay:1ms\"\n")
	d.wrap = []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}
	d.start()
	inner := d.onlyChild()
	d.up("db", "forks")
	eventually(t, "the exact exit status", func() string {
		if s := d.status("failing"); !strings.Contains(s.Detail, "code 42") {
			return s.State + ": " + s.Detail
		}
		return ""
	})
	d.shootInside(inner, "forks")
	eventually(t, "no zombies", func() string {
		for _, pid := range children(t, inner) {
			if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(stat, []byte(") Z ")) {
				return string(stat)
			}
		}
		return ""
	})
	d.waitState("db", "up")
	if err := syscall.Kill(inner, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-d.gone
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if len(d.noted("db", "SIGTERM")) != 1 {
		t.Errorf("db was not told to end: %v", notes(t, d.path("db.log")))
	}
}

// children are the pids of a process's children.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
		for _, f := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	return pids
}

// onlyChild is supd below a command that keeps running beside it.
func (d *daemon) onlyChild() int {
	d.t.Helper()
	pids := children(d.t, d.cmd.Process.Pid)
	if len(pids) != 1 {
		d.t.Fatalf("children of %v: %v", d.wrap, pids)
	}
	return pids[0]
}

// shootInside kills a service in a pid namespace of its own, from outside: the child of supd that says so in its environment.
func (d *daemon) shootInside(supd int, name string) {
	d.t.Helper()
	for _, pid := range children(d.t, supd) {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if bytes.Contains(env, []byte("SUPD_SERVICE="+name)) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				d.t.Fatal(err)
			}
			return
		}
	}
	d.t.Fatalf("supd has no child %q", name)
}

// In observe mode supd watches, says what it would do, and acts on nothing, not even at its end.
func TestObserveActsOnNothing(t *testing.T) {
	t.Parallel()
	for how, head := range map[string]string{"flag": "[daemon]\non_exit = \"stop\"\n", "config": "[daemon]\nmode = \"observe\"\non_exit = \"stop\"\n"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			services := quick + service("db", "") + service("web", "") + service("idle", "autostart = true\n")
			d := started(t, services)
			pids := d.up("db", "web", "idle")
			d.ctl("stop", "idle").wants(t, 0)
			d.kill9()
			d.config(head + services)
			if how == "flag" {
				d.extra = []string{"--observe"}
			}
			d.start()
			d.up("db", "web")
			if s := d.status("db"); s.Mode != "observe" || s.PID != pids[0] {
				t.Errorf("mode %q, pid %d, want observe and %d", s.Mode, s.PID, pids[0])
			}
			d.shoot("web", syscall.SIGKILL)
			eventually(t, "what would be done", func() string {
				if r := d.ctl("events", "--service", "web"); !strings.Contains(r.Out, "would.") {
					return strconv.Quote(r.both())
				}
				return ""
			})
			for _, verb := range []string{"stop", "restart"} {
				if r := d.ctl(verb, "db"); r.Code == 0 {
					t.Errorf("%s says that it was done: %s", verb, r.both())
				}
			}
			d.unchanged("observing is not acting", "db", "web", "idle")
			d.ctl("maintenance", "start", "db").wants(t, 0) // a lock is no action
			d.stop()
			if !alive(pids[0]) {
				t.Error("db was stopped at supd's end")
			}
		})
	}
}

// Readiness by sd_notify and by a check: dependents wait for it; when it does not come in time, the start has failed.
func TestReadiness(t *testing.T) {
	t.Parallel()
	check := "[service.checked.check.there]\ntype = \"file\"\npath = \"$DIR/there\"\nevery = \"100ms\"\ntimeout = \"90ms\"\n"
	d := started(t, quick+service("db", "ready = \"notify\"\n", "-ready-if", "$DIR/go")+service("web", "depends_on = [\"db\"]\n")+
		service("checked", "ready = \"check:there\"\n"+check)+
		service("never", "ready = \"notify\"\nready_timeout = \"300ms\"\n[service.never.restart]\nlimit = \"2 in 10m\"\n"))
	d.waitState("db", "starting")
	d.waitState("checked", "starting")
	d.unchanged("nobody starts before what it needs is ready", "web", "checked")
	if all := d.starts("web"); len(all) != 0 {
		t.Errorf("web was started before db was ready: %v", all)
	}
	for _, file := range []string{"go", "there"} {
		if err := os.WriteFile(d.path(file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d.up("db", "web", "checked")
	if ready, web := d.noted("db", "ready"), d.waitStarts("web", 1); len(ready) != 1 || web[0].T < ready[0].T {
		t.Errorf("db ready %v, web started %v", ready, web)
	}
	s := d.waitState("never", "failed")
	if !strings.Contains(s.Detail, "not ready") || s.PID != 0 {
		t.Errorf("never: pid %d, %q", s.PID, s.Detail)
	}
	d.waitStarts("never", 2)
	d.ctl("start", "never").wants(t, 1, "not ready")
}

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Row 23: supd is killed and started again: it adopts everything, starts nothing, restarts nothing.
func TestRow23_SupervisorKilled(t *testing.T) {
	t.Parallel()
	var names []string
	text := quick
	for i := range 12 {
		names = append(names, fmt.Sprint("s", i))
		text += service(names[i], "")
	}
	d := started(t, text)
	pids := d.up(names...)
	for range 4 {
		d.kill9()
		d.start()
		for i, pid := range d.up(names...) {
			if pid != pids[i] {
				t.Fatalf("%s has process %d, before %d", names[i], pid, pids[i])
			}
		}
	}
	d.unchanged("nothing is started", names...)
	for _, n := range names {
		d.waitStarts(n, 1)
	}
	// Adopted is as good as its own: a crash is repaired, a stop is held.
	d.shoot("s0", syscall.SIGKILL)
	d.waitStarts("s0", 2)
	d.up("s0")
	d.ctl("stop", "s1").wants(t, 0)
	if alive(pids[1]) {
		t.Error("the adopted s1 was not stopped")
	}
}

// Row 23: supd is killed while it starts things; whenever that is, nothing runs twice and everything comes up.
func TestRow23_SupervisorKilledWhileItStarts(t *testing.T) {
	t.Parallel()
	var names []string
	text := quick
	for i := range 8 {
		names = append(names, fmt.Sprint("s", i))
		text += service(names[i], "")
	}
	d := newDaemon(t, text)
	for _, after := range []time.Duration{5, 10, 15, 20, 25, 30, 40, 60} {
		d.begin()
		<-time.After(after * time.Millisecond)
		d.kill9()
	}
	d.start()
	pids := d.up(names...)
	for i, n := range names { // what no supd knows of runs beside ours, which the witnesses note as "twice"
		for _, s := range d.starts(n) {
			if s.PID != pids[i] && alive(s.PID) {
				t.Errorf("%s: process %d runs beside %d", n, s.PID, pids[i])
			}
		}
	}
	d.unchanged("everything is up once", names...)
}

// Row 23: what crashed while supd was dead. Where nobody reaps the dead process its exit status is still there to be read;
// where init reaps it, nobody knows how it ended, and for a stateful service a person decides.
func TestRow23_DiedWhileTheSupervisorWasDead(t *testing.T) {
	for _, parent := range []string{"nanny", "reaper"} {
		t.Run(parent, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service("web", "")+service("db", "stateful = true\n")+service("api", ""))
			d.parent = parent
			d.start()
			pids := d.up("web", "db", "api")
			d.orphan()
			for _, pid := range pids[:2] {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			eventually(t, "they are gone", func() string {
				for _, pid := range pids[:2] {
					if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil && parent == "reaper" || alive(pid) {
						return fmt.Sprintf("process %d is there", pid)
					}
				}
				return ""
			})
			d.start()
			d.waitStarts("web", 2)
			if parent == "nanny" {
				d.waitStarts("db", 2) // SIGKILL, and known to be
			} else {
				d.waitHold("db", "operator-stop")
				d.waitStarts("db", 1)
			}
			d.unchanged("that was all", "web", "db", "api")
			d.waitStarts("api", 1)
		})
	}
}

// Row 25: a zombie is dead. Its parent here is one that never waits, as a container's first process may be.
func TestRow25_Zombie(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("web", "")+service("db", ""))
	d.parent = "nanny"
	d.start()
	pids := d.up("web", "db")
	d.orphan()
	syscall.Kill(pids[1], syscall.SIGKILL) // dead before the next supd looks
	d.start()
	d.waitStarts("db", 2)
	if s := d.status("web"); s.PID != pids[0] {
		t.Fatalf("web has process %d, before %d", s.PID, pids[0])
	}
	d.shoot("web", syscall.SIGKILL) // dead under its eyes
	d.waitStarts("web", 2)
	for i, name := range []string{"web", "db"} {
		if stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pids[i])); !strings.Contains(string(stat), ") Z ") {
			t.Fatalf("process %d of %s is no zombie, so this test shows nothing: %q", pids[i], name, stat)
		}
		if s := d.waitState(name, "up"); s.PID == pids[i] {
			t.Errorf("%s is up as zombie %d", name, s.PID)
		}
	}
	d.ctl("stop", "web").wants(t, 0)
}

// Row 26: the whole tree goes, with children in sessions of their own that ignore SIGTERM.
func TestRow26_ChildrenThatOutliveTheService(t *testing.T) {
	needsRoot(t) // for cgroups
	t.Parallel()
	d := started(t, quick+service("web", "[service.web.stop]\ntimeout = \"300ms\"\n", "-children", "3")+
		service("deaf", "[service.deaf.stop]\ntimeout = \"300ms\"\n", "-children", "2", "-ignore-term"))
	d.up("web", "deaf")
	family := func(name string, n int) (pids []int) {
		t.Helper()
		eventually(t, "children of "+name, func() string {
			if pids = nil; len(d.noted(name, "child")) < n {
				return "not all there"
			}
			for _, c := range d.noted(name, "child") {
				pids = append(pids, c.PID)
			}
			return ""
		})
		return append(pids, d.lastPID(name))
	}
	dead := func(what string, pids []int) {
		t.Helper()
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("%s: process %d is left", what, pid)
			}
		}
	}
	for _, c := range []struct {
		name string
		n    int
	}{{"web", 3}, {"deaf", 2}} {
		pids := family(c.name, c.n)
		d.ctl("stop", c.name).wants(t, 0)
		dead("stop of "+c.name, pids)
		d.ctl("start", c.name).wants(t, 0)
		pids = family(c.name, 2*c.n)
		d.ctl("restart", c.name).wants(t, 0)
		dead("restart of "+c.name, pids)
		pids = family(c.name, 3*c.n)
		d.shoot(c.name, syscall.SIGKILL) // the main process only
		d.waitStarts(c.name, 4)
		d.waitState(c.name, "up")
		dead("crash of "+c.name, pids)
	}
	pids := family("web", 12)
	d.kill9() // adopted trees as well
	d.start()
	d.up("web")
	d.ctl("stop", "web").wants(t, 0)
	dead("stop of the adopted web", pids)
}

// Row 27: everything crashes at once and comes back, what is needed before what needs it.
func TestRow27_MassCrash(t *testing.T) {
	t.Parallel()
	const n = 30
	text, names := quick, []string{}
	for i := range n {
		more := "ready = \"notify\"\n"
		if i%3 > 0 {
			more += fmt.Sprintf("depends_on = [\"s%d\"]\n", i-1)
		}
		names = append(names, fmt.Sprint("s", i))
		text += service(names[i], more, "-ready-after", "50ms")
	}
	d := started(t, text)
	for round := 2; round < 4; round++ {
		pids := d.up(names...)
		d.freeze() // so that all are dead when it looks, whoever died first
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		eventually(t, "all are dead", func() string {
			for _, pid := range pids {
				if alive(pid) {
					return fmt.Sprintf("process %d lives", pid)
				}
			}
			return ""
		})
		d.thaw()
		for _, name := range names {
			d.waitStarts(name, round)
		}
		d.up(names...)
		for i, name := range names {
			if i%3 == 0 {
				continue
			}
			needed, own := d.starts(names[i-1])[round-1], d.starts(name)[round-1]
			if own.T < needed.T {
				t.Errorf("round %d: %s started %s before %s, which it needs", round, name, time.Duration(needed.T-own.T), names[i-1])
			}
		}
	}
	d.unchanged("everything is up once", names...)
}

// Row 28: a crash loop backs off, with jitter, and starts from the beginning after healthy uptime.
func TestRow28_CrashLoopBacksOff(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("web", "[service.web.restart]\nbackoff = { first = \"0s\", then = \"100ms\", factor = 2, max = \"800ms\", jitter = 0.1, reset_after = \"1s\" }\n",
		"-fail-if", "$DIR/broken"))
	d.touch("broken")
	d.start()
	var all []note
	eventually(t, "seven starts", func() string {
		if all = d.starts("web"); len(all) < 7 {
			return fmt.Sprint(len(all), " starts")
		}
		return ""
	})
	for i, want := range []time.Duration{0, 100, 200, 400, 800, 800} { // before the i-th restart, in ms
		gap := time.Duration(all[i+1].T - all[i].T)
		t.Logf("restart %d after %s", i+1, gap)
		if least := want * time.Millisecond * 9 / 10; gap < least {
			t.Errorf("restart %d came after %s, want at least %s", i+1, gap, least)
		}
	}
	eventually(t, "the pause and what follows are shown", func() string { // between two pauses it is up, until it ends
		if s := d.status("web"); s.State != "backoff" || !strings.Contains(s.Next, "start") {
			return fmt.Sprintf("web is %s, next %q", s.State, s.Next)
		}
		return ""
	})
	d.untouch("broken")
	eventually(t, "a second of health", func() string {
		if s := d.status("web"); s.State != "up" || s.StartedAt == nil || time.Since(*s.StartedAt) < 1200*time.Millisecond {
			return "not yet"
		}
		return ""
	})
	n := len(d.starts("web"))
	d.shoot("web", syscall.SIGKILL)
	shot := boottime()
	again := d.waitStarts("web", n+1)[n]
	if gap := time.Duration(again.T - shot); gap > 700*time.Millisecond { // the longest interval would be 720 ms at least
		t.Errorf("after healthy uptime the restart took %s: the back-off was not reset", gap)
	}
}

// Row 28: at the limit it is failed and held, and told once.
func TestRow28_RestartLimit(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("web", "[service.web.restart]\nlimit = \"3 in 10m\"\nbackoff = { first = \"0s\", then = \"1ms\", max = \"1ms\", jitter = 0.0 }\n",
		"-fail-if", "$DIR/broken")+service("db", ""))
	d.touch("broken")
	d.start()
	s := d.waitHold("web", "restart-limit")
	if s.State != "failed" || !strings.Contains(s.Next, "supctl start web") {
		t.Fatalf("web is %s, next %q", s.State, s.Next)
	}
	n := len(d.starts("web"))
	d.unchanged("held", "web")
	d.ctl("status").wants(t, 1)
	if e := d.events("web", "service.failed"); len(e) != 1 {
		t.Errorf("%d alerts, want 1: %v", len(e), e)
	}
	d.kill9()
	d.start()
	d.waitHold("web", "restart-limit")
	d.unchanged("held across a restart of supd", "web")
	d.untouch("broken")
	d.ctl("start", "web").wants(t, 0)
	d.waitStarts("web", n+1)
	if s := d.status("web"); len(s.Holds) > 0 {
		t.Errorf("still held: %v", s.Holds)
	}
}

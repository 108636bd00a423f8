package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// leftBehind crashes a web that has started a child in a session of its own, under a lock, and gives the child's pid.
func leftBehind(d *daemon) int {
	d.t.Helper()
	d.up("web")
	eventually(d.t, "the child of web", func() string {
		if len(d.noted("web", "child")) == 0 {
			return "not yet"
		}
		return ""
	})
	d.ctl("maintenance", "start", "web").wants(d.t, 0)
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "down")
	return d.noted("web", "child")[0].PID
}

// killed ends a process from outside and waits for it.
func killed(t *testing.T, pid int) {
	t.Helper()
	syscall.Kill(pid, syscall.SIGKILL)
	eventually(t, fmt.Sprintf("the end of process %d", pid), func() string {
		if alive(pid) {
			return "it lives"
		}
		return ""
	})
}

// --stop on a service that is down already ends what its main process left behind, or says that it is not down.
func TestStopProvesThatNothingIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		as   func(*daemon)
	}{
		{"with cgroups", func(d *daemon) {}},
		{"without cgroups", func(d *daemon) { d.ordinary() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needsRoot(t)
			d := newDaemon(t, quick+service("web", "[service.web.stop]\ntimeout = \"300ms\"\n", "-children", "1"))
			c.as(d)
			d.start()
			child := leftBehind(d)
			if !alive(child) {
				t.Fatal("the child did not outlive the crash: nothing is tried here")
			}
			d.ctl("maintenance", "start", "web", "--stop").wants(t, 0)
			if alive(child) {
				t.Errorf("web is said to be down, and process %d of it runs", child)
			}
			d.ctl("start", "web").wants(t, 0) // the owner tries something, and it crashes again
			eventually(t, "the second child of web", func() string {
				if len(d.noted("web", "child")) < 2 {
					return "not yet"
				}
				return ""
			})
			d.shoot("web", syscall.SIGKILL)
			d.waitState("web", "down")
			child = d.noted("web", "child")[1].PID
			d.ctl("maintenance", "ready", "web").wants(t, 7, `"web" is not down`, "what it started still runs", fmt.Sprintf("process %d (", child))
			killed(t, child)
			d.ctl("maintenance", "ready", "web").wants(t, 0)
		})
	}
}

// Without cgroups a process that made its own session with another environment cannot be told to be the service's. It is
// found all the same, and the lock is not ready until somebody has looked.
func TestStopWithoutCgroupsSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	line := `setsid env -i /bin/sh -c 'echo $$ > $DIR/stray; exec /bin/sleep 1000' & exec /bin/sleep 1000`
	d := newDaemon(t, quick+fmt.Sprintf("[service.db]\ncommand = [\"/bin/sh\", \"-c\", %q]\nready = \"delay:1ms\"\n", line)+service("web", "", "-children", "1"))
	d.ordinary()
	d.start()
	d.up("web")
	d.waitState("db", "up")
	var stray int
	eventually(t, "the stray", func() string {
		text, _ := os.ReadFile(d.path("stray"))
		stray, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		if stray == 0 {
			return "none yet"
		}
		return ""
	})
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 7, `"db" is stopped, but something that a service left behind runs`, fmt.Sprintf("process %d (/bin/sleep 1000)", stray))
	if !alive(stray) {
		t.Error("a process that may be any service's was ended")
	}
	killed(t, stray)
	d.ctl("maintenance", "ready", "db").wants(t, 0)
	d.waitStarts("web", 1)
}

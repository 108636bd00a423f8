package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Forks fail for want of processes: said in words, tried again, and repaired without anybody's help when there is room.
func TestFaultForkFails(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := started(t, quick+service("db", "")+service("web", "[service.web.restart]\nbackoff = { then = \"50ms\", max = \"200ms\" }\n"))
	db := d.up("db", "web")[0]
	d.ctl("restart", "web").wants(t, 0) // everything has been done once, so that supd's threads are there
	d.waitStarts("web", 2)
	pids := "/sys/fs/cgroup/pids/" + filepath.Base(d.dir)
	if err := os.Mkdir(pids, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(pids, file), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	write("cgroup.procs", strconv.Itoa(d.cmd.Process.Pid))
	t.Cleanup(func() { // after supd has ended
		if !t.Failed() {
			if err := os.Remove(pids); err != nil {
				t.Log(err)
			}
		}
	})
	t.Cleanup(d.clean)
	write("pids.max", "1") // threads that are there stay
	d.shoot("web", syscall.SIGKILL)
	s := d.waitState("web", "backoff")
	if !strings.Contains(s.Detail, "cannot start \"web\": ") || !strings.Contains(s.Detail, "no more processes") {
		t.Errorf("status says %q", s.Detail)
	}
	d.ctl("start", "web").wants(t, 1, "no more processes")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.ctl("maintenance", "end", "db").wants(t, 0)
	if s := d.status("db"); s.PID != db || s.State != "up" {
		t.Errorf("db is %s, pid %d", s.State, s.PID)
	}
	write("pids.max", "max")
	d.waitStarts("web", 3)
	d.waitState("web", "up")
}

// No free descriptors: what runs goes on running, its end is seen, and everything is as before when there are some again.
func TestFaultNoDescriptors(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "[service.web.restart]\nbackoff = { then = \"50ms\", max = \"200ms\" }\n"))
	pids := d.up("db", "web")
	d.ctl("restart", "web").wants(t, 0)
	web := d.waitStarts("web", 2)[1].PID
	limit := func(n uint64) (before unix.Rlimit) {
		t.Helper()
		if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
			t.Fatal(err)
		}
		if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: before.Max}, nil); err != nil {
			t.Fatal(err)
		}
		return before
	}
	before := limit(3)
	if err := syscall.Kill(web, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "web is dead", func() string {
		if alive(web) {
			return "alive"
		}
		return ""
	})
	d.ctl("status").wants(t, 9)
	d.ctl("maintenance", "start", "db", "-m", "no descriptors").wants(t, 0, "LOCKED")
	eventually(t, "the log says why", func() string {
		if !strings.Contains(d.log(), "too many open files") {
			return "nothing yet"
		}
		return ""
	})
	limit(before.Cur)
	d.waitStarts("web", 3)
	d.waitState("web", "up")
	d.waitHold("db", "lock")
	if s := d.status("db"); s.PID != pids[0] {
		t.Errorf("db has pid %d, want %d as before", s.PID, pids[0])
	}
	d.ctl("maintenance", "end", "db").wants(t, 0)
	eventually(t, "nothing is held", func() string {
		for n, s := range d.all() {
			if len(s.Holds) > 0 {
				return fmt.Sprintf("%s: %v", n, s.Holds)
			}
		}
		return ""
	})
}

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
// Neither supd nor what runs is disturbed.
func TestFaultForkFails(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	for how, limiter := range map[string]func(*daemon) func(on bool){"root with pids.max": pidsMax, "user with RLIMIT_NPROC": nproc} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service("db", "")+service("web", "[service.web.restart]\nbackoff = { then = \"50ms\", max = \"200ms\" }\n"))
			limit := limiter(d)
			d.start()
			db := d.up("db", "web")[0]
			d.waitStarts("web", 1)
			limit(true)
			d.shoot("web", syscall.SIGKILL)
			eventually(t, "status says why", func() string { // first that it was killed
				if s := d.status("web"); s.State != "backoff" || !strings.Contains(s.Detail, "cannot start \"web\": no more processes") {
					return s.State + ": " + s.Detail
				}
				return ""
			})
			d.ctl("start", "web").wants(t, 1, "no more processes")
			d.ctl("stop", "db").wants(t, 1, "cannot start a helper: resource temporarily unavailable")
			var crowd []<-chan result // Go dies when it gets no thread, and many requests need many
			for range 20 {
				crowd = append(crowd, d.ctlAsync("maintenance", "start", "db"), d.ctlAsync("status"))
			}
			for _, end := range crowd {
				d.finish(end)
			}
			d.waitHold("db", "lock")
			if s := d.status("db"); s.PID != db || s.State != "up" {
				t.Errorf("db is %s, pid %d", s.State, s.PID)
			}
			limit(false)
			d.waitStarts("web", 2)
			d.waitState("web", "up")
			d.ctl("maintenance", "end", "db").wants(t, 0)
			d.ctl("stop", "db").wants(t, 0)
		})
	}
}

// pidsMax takes the processes away from a supd of root's, whom no rlimit stops: by a cgroup.
func pidsMax(d *daemon) func(on bool) {
	pids := "/sys/fs/cgroup/pids/" + filepath.Base(d.dir)
	if err := os.Mkdir(pids, 0o755); err != nil {
		d.t.Skipf("no pids cgroup: %v", err)
	}
	d.t.Cleanup(func() {
		d.clean() // it has to be empty
		if err := os.Remove(pids); err != nil {
			d.t.Log(err)
		}
	})
	return func(on bool) {
		d.t.Helper()
		err := os.WriteFile(filepath.Join(pids, "cgroup.procs"), []byte(strconv.Itoa(d.cmd.Process.Pid)), 0)
		if err == nil { // threads that are there stay
			err = os.WriteFile(filepath.Join(pids, "pids.max"), []byte(map[bool]string{true: "1", false: "max"}[on]), 0)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// nproc takes the processes away from the supd of an ordinary user.
func nproc(d *daemon) func(on bool) {
	d.ordinary()
	return func(on bool) {
		d.t.Helper()
		soft := map[bool]string{true: "1", false: "4096"}[on]
		argv := append(append([]string{}, d.wrap...), "prlimit", "--pid", strconv.Itoa(d.cmd.Process.Pid), "--nproc="+soft+":")
		personJob{Argv: argv, Env: d.env(), UID: os.Geteuid()}.run().wants(d.t, 0)
	}
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

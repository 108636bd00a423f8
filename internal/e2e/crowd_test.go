package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// crowdSize is among how many services a fault is injected.
	crowdSize = 1000
	// crowdBytes is room for the state of so many: a record and an epoch of a block each, and a lock here and there.
	crowdBytes = "size=32m"
	// crowdAnswers bounds how long supd may keep somebody waiting while something is wrong.
	crowdAnswers = slowness * time.Second
	// crowdSeconds and the number of a service are what it sleeps, by which it is known among all processes.
	crowdSeconds = 1_000_000
)

// crowd is a supd with many small services. Who runs is judged by the kernel's list of processes, never by supd's word.
type crowd struct {
	*daemon
	pids   map[string]int // who has to run, and as which process
	locked []string
}

func member(i int) string { return fmt.Sprintf("s%04d", i) }

// crowdConfig is the config of all services; more are lines in the table of each.
func crowdConfig(more string) string {
	var b strings.Builder
	b.WriteString(quick)
	for i := range crowdSize {
		fmt.Fprintf(&b, "\n[service.%s]\ncommand = [\"/bin/sleep\", \"%d\"]\ndir = \"$DIR\"\nlog = \"none\"\nready = \"delay:1ms\"\n%s", member(i), crowdSeconds+i, more)
	}
	return b.String()
}

// newCrowd returns when all services run.
func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{daemon: newDaemon(t, crowdConfig("")), pids: map[string]int{}}
	c.mountedOf(crowdBytes)
	c.start()
	eventually(t, "everybody runs", func() string {
		if n := len(c.running()); n != crowdSize {
			return fmt.Sprintf("%d run", n)
		}
		return ""
	})
	for name, pids := range c.running() {
		c.pids[name] = pids[0]
	}
	c.same()
	return c
}

// running are the processes of each service.
func (c *crowd) running() map[string][]int {
	c.t.Helper()
	all := map[string][]int{}
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range procs {
		if cwd, _ := os.Readlink(p + "/cwd"); cwd != c.dir {
			continue
		}
		cmdline, _ := os.ReadFile(p + "/cmdline") // a zombie has none
		argv := strings.Split(string(cmdline), "\x00")
		if argv[0] != "/bin/sleep" || len(argv) < 2 {
			continue
		}
		seconds, _ := strconv.Atoi(argv[1])
		pid, _ := strconv.Atoi(filepath.Base(p))
		all[member(seconds-crowdSeconds)] = append(all[member(seconds-crowdSeconds)], pid)
	}
	return all
}

// same fails unless exactly those run who have to, as the processes that they were.
func (c *crowd) same() {
	c.t.Helper()
	now := c.running()
	for _, name := range slices.Sorted(maps.Keys(c.pids)) {
		if got := now[name]; len(got) != 1 || got[0] != c.pids[name] {
			c.t.Fatalf("%s runs as %v, it was process %d", name, got, c.pids[name])
		}
		delete(now, name)
	}
	if len(now) > 0 {
		c.t.Fatalf("these run and must not: %v", now)
	}
}

// crashed kills a service; whether it comes back is for the caller to say, by back.
func (c *crowd) crashed(name string) {
	c.t.Helper()
	pid := c.pids[name]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Fatalf("%s, process %d: %v", name, pid, err)
	}
	eventually(c.t, name+" is dead", func() string {
		if alive(pid) {
			return "alive"
		}
		return ""
	})
	delete(c.pids, name)
}

// back waits until a service that was down runs again.
func (c *crowd) back(name string) {
	c.t.Helper()
	eventually(c.t, name+" is back", func() string {
		got := c.running()[name]
		if len(got) == 0 {
			return "not yet"
		}
		c.pids[name] = got[0]
		return ""
	})
}

// lock takes a lock and kills what it is on. From then on same fails if it is ever started.
func (c *crowd) lock(name string) {
	c.t.Helper()
	c.ctl("maintenance", "start", name, "-m", "while it is wrong").wants(c.t, 0, "LOCKED")
	c.crashed(name)
	c.locked = append(c.locked, name)
}

// answers fails if supd keeps one who asks for everything waiting. The best of three counts: the machine may do something
// else for a moment, a supd that waits for something waits every time.
func (c *crowd) answers() {
	c.t.Helper()
	best := patience
	for range 3 {
		began := time.Now()
		if code, text := c.api("GET", "/v1/status", ""); code != http.StatusOK {
			c.t.Fatalf("status: %d %s", code, text)
		}
		best = min(best, time.Since(began))
	}
	c.t.Logf("status took %s", best.Round(time.Millisecond))
	if best > crowdAnswers {
		c.t.Errorf("status took %s, at least", best)
	}
}

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever goes wrong among a thousand services is said in words; the others keep their processes, supd answers at once, and a
// lock that is taken meanwhile holds to the end.
func TestFaultsAmongAThousandServices(t *testing.T) {
	needsRoot(t)
	c := newCrowd(t)
	for i, fault := range []struct {
		name   string
		inject func(c *crowd, lock, crash string)
	}{
		{"a config with mistakes", (*crowd).mistakes},
		{"services that cannot start", (*crowd).unstartable},
		{"garbage in a lock and in a hold", (*crowd).garbage},
		{"names that lead elsewhere", (*crowd).crooked},
		{"a request of 10 MB", (*crowd).huge},
		{"1,000 connections that say nothing", (*crowd).silent},
		{"a second supd", (*crowd).second},
		{"no free descriptors", (*crowd).noDescriptors},
		{"forks fail", (*crowd).noForks},
		{"a full disk", (*crowd).fullDisk},
		{"a state directory that turns read-only", (*crowd).turnsReadOnly},
		{"a state directory that is unmounted", (*crowd).vanishes},
		{"a state directory that is not there at the start, and a socket left behind", (*crowd).notThereAtTheStart},
	} {
		began := time.Now()
		t.Logf("%s:", fault.name)
		fault.inject(c, member(100+i), member(200+i))
		c.answers()
		c.same()
		t.Logf("%s: %s", fault.name, time.Since(began).Round(time.Millisecond))
	}

	all := c.all()
	for _, name := range c.locked {
		if s := all[name]; s.State != "down" || !slices.Contains(s.holds(), "lock") {
			t.Errorf("%s is %s, held by %v", name, s.State, s.holds())
		}
		delete(all, name)
	}
	for name, s := range all {
		if s.State != "up" || s.PID != c.pids[name] || len(s.Holds) > 0 {
			t.Errorf("%s is %s as process %d, held by %v; it runs as %d", name, s.State, s.PID, s.holds(), c.pids[name])
		}
	}
	c.ctl("maintenance", "end", "--mine", "--start").wants(t, 0)
	for _, name := range c.locked {
		c.back(name)
	}
	c.same()
	c.ctl("status", "-q").wants(t, 0)
}

// mistakes: one in each service. All are said, in the order of the file, and the old config stays in force.
func (c *crowd) mistakes(lock, crash string) {
	c.config(crowdConfig("comand = 1\n"))
	text := c.ctl("reload").wants(c.t, 1).both()
	for i := range crowdSize {
		_, after, ok := strings.Cut(text, fmt.Sprintf("service %q: unknown key \"comand\"", member(i)))
		if !ok {
			c.t.Fatalf("the mistake in %s is not said, or not in its place: %.1000s", member(i), text)
		}
		text = after
	}
	c.answers()
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
	c.config(crowdConfig(""))
	c.ctl("reload").wants(c.t, 0)
}

// unstartable services come with a reload and go with the next.
func (c *crowd) unstartable(lock, crash string) {
	if err := os.WriteFile(c.path("unexecutable.sh"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		c.t.Fatal(err)
	}
	causes := map[string][2]string{
		"missing":      {`command = ["/nonexistent/program"]`, "/nonexistent/program: no such file or directory"},
		"unexecutable": {`command = ["$DIR/unexecutable.sh"]`, "not executable (chmod +x?)"},
		"ends":         {`command = ["/bin/sh", "-c", "exit 3"]`, "exited with code 3"},
		"nouser":       {"command = [\"/bin/sleep\", \"5\"]\nuser = \"nobody-of-this-name\"", `user "nobody-of-this-name" does not exist`},
	}
	text := crowdConfig("")
	for name, cause := range causes {
		text += fmt.Sprintf("\n[service.%s]\nautostart = false\nlog = \"none\"\n%s\n[service.%s.restart]\nlimit = \"2 in 10m\"\n", name, cause[0], name)
	}
	c.config(text)
	c.ctl("reload").wants(c.t, 0)
	for name, cause := range causes {
		c.ctl("start", name).wants(c.t, 1, cause[1])
		c.waitState(name, "failed")
	}
	c.answers()
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
	c.config(crowdConfig(""))
	c.ctl("reload", "--apply").wants(c.t, 0)
}

// garbage holds two services, and no other.
func (c *crowd) garbage(lock, crash string) {
	stopped := member(300)
	c.ctl("stop", stopped).wants(c.t, 0)
	delete(c.pids, stopped)
	holds, _ := filepath.Glob(c.state("holds/" + stopped + "/*.toml"))
	locks := c.state("locks/service/" + crash)
	if err := os.MkdirAll(locks, 0o755); err != nil || len(holds) != 1 {
		c.t.Fatalf("%v, holds %v", err, holds)
	}
	bad := map[string]string{stopped: holds[0], crash: filepath.Join(locks, "0123456789abcdef.toml")}
	for name, file := range bad {
		if err := os.WriteFile(file, []byte("\x00\xff\x17]]=\n\x80"), 0o644); err != nil {
			c.t.Fatal(err)
		}
		c.waitHold(name, "unreadable")
		c.ctl("maintenance", "check", name).wants(c.t, 8, file)
	}
	c.crashed(crash)
	c.lock(lock)
	free := member(301)
	c.crashed(free)
	c.back(free)
	c.answers()
	c.same()
	c.ctl("status", "-q").wants(c.t, 1)
	for name, file := range bad {
		if err := os.Remove(file); err != nil {
			c.t.Fatal(err)
		}
		c.ctl("start", name).wants(c.t, 0)
		c.back(name)
	}
}

func (c *crowd) crooked(lock, crash string) {
	for _, name := range crookedNames {
		if !strings.ContainsRune(name, 0) {
			c.ctl("stop", name).wants(c.t, 2, "cannot read target")
			c.ctl("maintenance", "start", lock, name).wants(c.t, 2, "cannot read target") // all or none
		}
		if code, text := c.api("POST", "/v1/actions", fmt.Sprintf(`{"verb":"stop","targets":[%q,%q]}`, crash, name)); code != 400 {
			c.t.Errorf("API: stop %q: %d %s", name, code, text)
		}
	}
	c.ctl("maintenance", "check", lock).wants(c.t, 0)
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
}

func (c *crowd) huge(lock, crash string) {
	body := []byte(`{"verb":"stop","targets":["` + crash + `"],"reason":"`)
	body = append(body, bytes.Repeat([]byte("x"), 10<<20)...)
	for range 5 {
		if code, text, err := c.tryAPI("POST", "/v1/actions", bytes.NewReader(append(body, `"}`...))); err != nil || code != 413 {
			c.t.Errorf("%d %s, %v", code, text, err)
		}
	}
	c.answers()
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
}

func (c *crowd) silent(lock, crash string) {
	var silent []net.Conn
	defer func() {
		for _, s := range silent {
			s.Close()
		}
	}()
	for i := range 1000 {
		s, err := net.DialTimeout("unix", c.path("run/supd.sock"), patience)
		if err != nil {
			c.t.Fatalf("connection %d: %v", i, err)
		}
		silent = append(silent, s)
	}
	c.answers()
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
}

func (c *crowd) second(lock, crash string) {
	first := fmt.Sprintf("another supd uses it (pid %d)", c.cmd.Process.Pid)
	argv := []string{programs.supd, "--config", c.path("supd.toml"), "--state-dir", c.path("state"), "--run-dir", c.path("run2")}
	personJob{Argv: argv, Env: c.env(), UID: os.Geteuid()}.run().wants(c.t, 1, first)
	c.answers()
	c.lock(lock)
	c.crashed(crash)
	c.back(crash)
}

// noDescriptors: supd can be asked nothing, and the lock is taken without it.
func (c *crowd) noDescriptors(lock, crash string) {
	limit := func(n uint64) (before unix.Rlimit) {
		c.t.Helper()
		err := unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &before)
		if err == nil {
			err = unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: before.Max}, nil)
		}
		if err != nil {
			c.t.Fatal(err)
		}
		return before
	}
	before := limit(3)
	c.crashed(crash)
	c.ctl("status").wants(c.t, 9)
	c.lock(lock)
	eventually(c.t, "the log says why", func() string {
		if !strings.Contains(c.log(), "too many open files") {
			return "nothing yet"
		}
		return ""
	})
	c.same()
	limit(before.Cur)
	c.back(crash)
	c.waitHold(lock, "lock")
}

// noForks: what cannot be started is tried again until it can.
func (c *crowd) noForks(lock, crash string) {
	limit := pidsMax(c.daemon)
	limit(true)
	c.crashed(crash)
	eventually(c.t, "status says why", func() string {
		if s := c.status(crash); s.State != "backoff" || !strings.Contains(s.Detail, "no more processes") {
			return s.State + ": " + s.Detail
		}
		return ""
	})
	c.answers()
	c.lock(lock)
	c.same()
	limit(false)
	c.back(crash)
}

// fullDisk: locks and stops are kept all the same, also by who finds supd hung, and crashes are repaired.
func (c *crowd) fullDisk(lock, crash string) {
	hung, stopped := member(302), member(303)
	free := c.fill()
	c.lock(lock)
	c.freeze()
	c.lock(hung)
	c.thaw()
	c.ctl("stop", stopped).wants(c.t, 0)
	delete(c.pids, stopped)
	c.crashed(crash)
	c.back(crash)
	c.answers()
	c.same()
	free()
	c.ctl("start", stopped).wants(c.t, 0)
	c.back(stopped)
}

// turnsReadOnly: the lock has to be there before; one that cannot be written fails loudly, and holds while this supd lives.
func (c *crowd) turnsReadOnly(lock, crash string) {
	wanted := member(304)
	c.lock(lock)
	writable := c.readOnly()
	c.ctl("maintenance", "start", wanted).wants(c.t, 1, "read-only", "NOT locked")
	c.crashed(wanted)
	c.crashed(crash)
	c.waitHold(wanted, "lock")
	eventually(c.t, crash+" cannot be started", func() string {
		if s := c.status(crash); s.State == "up" || !strings.Contains(s.Detail, "read-only") {
			return s.State + ": " + s.Detail
		}
		return ""
	})
	c.answers()
	c.same()
	writable()
	for _, name := range []string{wanted, crash} {
		c.ctl("start", name).wants(c.t, 0)
		c.back(name)
	}
}

// vanishes: nobody knows what is locked, so everything is, until the directory is back.
func (c *crowd) vanishes(lock, crash string) {
	c.lock(lock)
	mountedAgain := c.unmounted()
	c.crashed(crash)
	c.waitHold(crash, "unreadable")
	c.ctl("maintenance", "start", member(305)).wants(c.t, 1, c.path("state"))
	c.ctl("maintenance", "check", lock).wants(c.t, 8)
	c.ctl("restart", member(305)).wants(c.t, 4, c.path("state"))
	c.answers()
	c.same()
	c.emptyMountPoint()
	mountedAgain()
	c.back(crash)
	eventually(c.t, "nothing is unreadable", func() string {
		for name, s := range c.all() {
			if slices.Contains(s.holds(), "unreadable") {
				return name + ": " + s.Holds[0].Reason
			}
		}
		return ""
	})
}

// notThereAtTheStart: this is no first start. When the directory is back everybody is adopted, what crashed meanwhile is
// repaired, and the socket of the dead supd is no matter.
func (c *crowd) notThereAtTheStart(lock, crash string) {
	c.lock(lock)
	c.kill9()
	if _, err := os.Lstat(c.path("run/supd.sock")); err != nil {
		c.t.Fatal(err)
	}
	mountedAgain := c.unmounted()
	for _, missing := range []bool{false, true} {
		if missing {
			if err := syscall.Rmdir(c.path("state")); err != nil {
				c.t.Fatal(err)
			}
		}
		c.begin()
		<-c.gone
		if code := c.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(c.log(), "this is no first start; mount it") {
			c.t.Fatalf("exit code %d", code)
		}
		c.ctl("maintenance", "start", member(306)).wants(c.t, 1, c.path("state"))
		if !missing {
			c.emptyMountPoint()
		}
	}
	c.crashed(crash)
	c.same()
	mountedAgain()
	c.start()
	c.back(crash)
}

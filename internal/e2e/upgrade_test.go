package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownProgram gives the daemon a binary of its own, which a test can replace as a package does: by rename.
func (d *daemon) ownProgram() (replace func(content []byte)) {
	d.t.Helper()
	d.supd = d.path("supd")
	replace = func(content []byte) {
		d.t.Helper()
		// No fork meanwhile: a child of another test would have the file open for writing until its exec, and a program that
		// somebody writes to cannot be executed (ETXTBSY, execve(2)).
		syscall.ForkLock.RLock()
		err := os.WriteFile(d.supd+".new", content, 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			d.t.Fatal(err)
		}
		if err := os.Rename(d.supd+".new", d.supd); err != nil {
			d.t.Fatal(err)
		}
	}
	replace(d.binary())
	return replace
}

func (d *daemon) binary() []byte {
	d.t.Helper()
	content, err := os.ReadFile(programs.supd)
	if err != nil {
		d.t.Fatal(err)
	}
	return content
}

// versionOf is who gave an answer.
type versionOf struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
}

// version is who answers.
func (d *daemon) version() versionOf {
	d.t.Helper()
	v, err := d.tryVersion()
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// tryVersion may find nobody, or one who has no time left to answer: supd is being replaced.
func (d *daemon) tryVersion() (v versionOf, err error) {
	code, text, err := d.tryAPI("GET", "/v1/version", nil)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil || code != 200 || v.PID == 0 || v.StartedAt.IsZero() {
		return v, fmt.Errorf("version: %d %s: %v", code, text, err)
	}
	return v, nil
}

// An upgrade in place keeps the pid, the services, their exit statuses, locks and stops, and refuses nobody.
func TestUpgradeInPlace(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"SIGUSR2", "supctl upgrade"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service("db", "")+service("web", "")+service("off", "")+
				service("failing", "[service.failing.restart]\npolicy = \"never\"\n", "-slow-stop", "1ms", "-code", "42")+
				"\n[service.job]\ncommand = [\"/bin/true\"]\noneshot = true\nautostart = false\n")
			replace := d.ownProgram()
			d.start()
			pids := d.up("db", "web", "off", "failing")
			d.ctl("start", "job").wants(t, 0)
			d.ctl("maintenance", "start", "db").wants(t, 0)
			d.ctl("stop", "off").wants(t, 0)
			before := d.version()
			_, was := d.api("GET", "/v1/version", "")
			dialled, stop, failed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() { // somebody who always comes at the wrong moment
				defer close(failed)
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for n := 0; ; n++ {
					c, err := net.Dial("unix", d.path("run/supd.sock"))
					if err != nil {
						failed <- err
						return
					}
					c.Close()
					if n == 0 {
						close(dialled)
					}
					select {
					case <-stop:
						return
					case <-tick.C:
					}
				}
			}()
			<-dialled
			replace(d.binary())
			if how == "SIGUSR2" {
				d.signal(syscall.SIGUSR2)
				eventually(t, "the new program", func() string {
					// Nobody is refused, but who was just accepted may be cut off, and asks again.
					_, text, err := d.tryAPI("GET", "/v1/version", strings.NewReader(""))
					switch {
					case err != nil:
						return "cut off: " + err.Error()
					case text == was:
						return "the old one answers"
					}
					return ""
				})
			} else {
				d.ctl("upgrade").wants(t, 0)
			}
			close(stop)
			if err := <-failed; err != nil {
				t.Errorf("the socket refused somebody during the upgrade: %v", err)
			}
			if v := d.version(); v.PID != before.PID || v.PID != d.cmd.Process.Pid {
				t.Errorf("pid %d before, %d after", before.PID, v.PID)
			}
			exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", before.PID))
			if err != nil || exe != d.supd {
				t.Errorf("the process executes %q (%v), want the new file", exe, err)
			}
			if now := d.up("db", "web", "failing"); now[0] != pids[0] || now[1] != pids[1] || now[2] != pids[3] {
				t.Errorf("pids before %v, after %v", pids, now)
			}
			if s := d.status("job"); s.State != "done" {
				t.Errorf("the job that was done is %s", s.State)
			}
			d.waitHold("off", "operator-stop")
			d.waitHold("db", "lock")
			d.shoot("failing", syscall.SIGTERM)
			eventually(t, "the exact exit status", func() string {
				if s := d.status("failing"); !strings.Contains(s.Detail, "code 42") {
					return s.State + ": " + s.Detail
				}
				return ""
			})
			d.shoot("web", syscall.SIGKILL)
			d.waitStarts("web", 2)
			d.shoot("db", syscall.SIGKILL)
			d.waitState("db", "down")
			d.unchanged("lock and stop hold after the upgrade", "db", "off")
			d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
		})
	}
}

// An action under way when the upgrade is asked for is finished, by one of the two programs.
func TestUpgradeDuringAStop(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "", "-slow-stop", "1s"))
	d.ownProgram()
	d.start()
	d.up("db")
	restart := d.ctlAsync("restart", "db")
	eventually(t, "TERM", func() string {
		if len(d.noted("db", "SIGTERM")) == 0 {
			return "not sent yet"
		}
		return ""
	})
	d.ctl("upgrade").wants(t, 0)
	d.finish(restart)
	d.waitStarts("db", 2)
	d.waitState("db", "up")
	d.unchanged("the restart happened once", "db")
}

// A new program that does not run is refused, and so is one with a config that it would not start with: the old one goes on.
func TestUpgradeToABrokenProgram(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service(healthy, ""))
	replace := d.ownProgram()
	d.start()
	d.up(healthy)
	before := d.version()
	for what, content := range map[string][]byte{"no program": []byte("not a program\n"), "cut short": d.binary()[:1<<16], "failing": []byte("#!/bin/sh\nexit 3\n")} {
		replace(content)
		d.ctl("upgrade").wants(t, 1, "cannot upgrade")
		d.signal(syscall.SIGUSR2)
		eventually(t, what+" is said to be wrong", func() string {
			if p := d.problems(); !strings.Contains(p, "cannot upgrade") {
				return strconv.Quote(p)
			}
			return ""
		})
	}
	replace(d.binary())
	d.config("[service.web]\ncommand = 7\n")
	d.ctl("upgrade").wants(t, 1, "the config has mistakes")
	if v := d.version(); v != before {
		t.Errorf("%v before, %v after", before, v)
	}
	d.undisturbed()
}

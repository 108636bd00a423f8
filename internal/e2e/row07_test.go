package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Row 7: a reload while a lock waits for what is in flight.
func TestRow07_ReloadWhileAHoldIsPending(t *testing.T) {
	t.Parallel()
	text := quick + service("db", "[service.db.stop]\ntimeout = \"1500ms\"\n", "-ignore-term")
	d := started(t, text)
	d.up("db")
	restart := d.ctlAsync("restart", "db")
	eventually(t, "TERM", func() string {
		if len(d.noted("db", "SIGTERM")) == 0 {
			return "not sent yet"
		}
		return ""
	})
	lock := d.ctlAsync("maintenance", "start", "db", "-m", "pending")
	eventually(t, "the lock's file", func() string {
		if len(d.locks()) == 0 {
			return "not there"
		}
		return ""
	})
	d.config(text + service("new", ""))
	d.signal(syscall.SIGHUP)
	d.up("new")
	d.finish(lock).wants(t, 0, "LOCKED")
	d.finish(restart).wants(t, 0)
	if got := d.locks(); len(got) != 1 || got[0].Reason != "pending" {
		t.Fatalf("locks: %v", got)
	}
	d.up("db") // the second half of the restart, which the lock waited for
	d.unchanged("the lock holds", "db")
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	d.unchanged("the lock holds", "db")
}

// Row 8: a reload touches nothing that did not change.
func TestRow08_ReloadOfUnchangedServices(t *testing.T) {
	t.Parallel()
	text := quick + service("db", "") + service("web", dependent) + service("batch", "") + service("idle", "autostart = false\n") + service("held", "")
	d := started(t, text)
	pids := d.up("db", "web")
	d.up("batch", "held")
	d.ctl("stop", "batch").wants(t, 0)
	d.ctl("maintenance", "start", "held", "--stop").wants(t, 0)
	names := []string{"db", "web", "batch", "idle", "held"}
	reloads := []struct {
		what, text string
		how        func()
	}{
		{"nothing changed, SIGHUP", text, func() { d.signal(syscall.SIGHUP) }},
		{"nothing changed, supctl reload", text, func() { d.ctl("reload").wants(t, 0) }},
		{"nothing changed, --apply", text, func() { d.ctl("reload", "--apply").wants(t, 0) }},
		{"another service added", text + service("new1", ""), func() { d.ctl("reload").wants(t, 0) }},
		{"another service changed", text + service("new1", "env = { A = \"1\" }\n"), func() { d.ctl("reload", "--apply").wants(t, 0) }},
		{"another service removed", text, func() { d.ctl("reload", "--apply").wants(t, 0) }},
		{"added through SIGHUP", text + service("new2", ""), func() { d.signal(syscall.SIGHUP) }},
		{"a policy", strings.Replace(text, `settle = "0s"`, `settle = "1ms"`, 1) + service("new2", ""), func() { d.ctl("reload").wants(t, 0) }},
	}
	for _, r := range reloads {
		d.config(r.text)
		r.how()
		d.unchanged(r.what, names...)
		all := d.all()
		for i, name := range names[:2] {
			if s := all[name]; s.PID != pids[i] || s.State != "up" || s.Pending {
				t.Fatalf("%s: %s is %s, process %d, pending %v", r.what, name, s.State, s.PID, s.Pending)
			}
		}
		for _, name := range names[2:] {
			if s := all[name]; s.State != "down" {
				t.Fatalf("%s: %s is %s", r.what, name, s.State)
			}
		}
	}
	d.up("new2")
}

// Row 8: a change that needs a restart waits for one, and a service that vanished goes on.
func TestRow08_ChangesThatNeedAStopWait(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "")+service("gone", ""))
	pids := d.up("web", "gone")
	d.config(quick + service("web", "env = { A = \"1\" }\n"))
	d.ctl("reload").wants(t, 0, "pending")
	d.unchanged("nothing is stopped", "web", "gone")
	all := d.all()
	if s := all["web"]; !s.Pending || s.PID != pids[0] {
		t.Errorf("web: pending %v, process %d, want %d", s.Pending, s.PID, pids[0])
	}
	if s := all["gone"]; !s.Orphaned || s.PID != pids[1] {
		t.Errorf("gone: orphaned %v, process %d, want %d", s.Orphaned, s.PID, pids[1])
	}
	d.shoot("gone", syscall.SIGKILL) // supervised as it was
	d.waitStarts("gone", 2)
	d.ctl("restart", "web").wants(t, 0)
	if s := d.status("web"); s.Pending {
		t.Error("web is pending after its restart")
	}
	d.ctl("reload", "--apply").wants(t, 0)
	eventually(t, "gone is gone", func() string {
		if _, there := d.all()["gone"]; there {
			return "it is in status"
		}
		return ""
	})
	if pid := d.lastPID("gone"); alive(pid) {
		t.Errorf("process %d of gone is left", pid)
	}
}

// Row 9: renamed or removed while held: the lock stays, is shown as orphaned, and holds what took the service's place.
func TestRow09_RenamedOrRemovedWhileHeld(t *testing.T) {
	for _, daemonDead := range []bool{false, true} {
		t.Run(fmt.Sprintf("daemon dead %v", daemonDead), func(t *testing.T) {
			t.Parallel()
			d := started(t, quick+service("db", "")+service("gone", ""))
			d.up("db", "gone")
			d.ctl("maintenance", "start", "db", "gone", "--stop", "-m", "disk").wants(t, 0)
			// The same command under another name.
			renamed := strings.Replace(service("db", ""), "[service.db]", "[service.database]", 1)
			d.config(quick + renamed)
			d.ctl("config", "diff").wants(t, 0, "database", "lock")
			if daemonDead {
				d.kill9()
				d.start()
			} else {
				d.signal(syscall.SIGHUP)
			}
			s := d.waitHold("database", "lock")
			if s.State != "down" || s.Holds[0].Reason != "disk" {
				t.Fatalf("database is %s, held by %v", s.State, s.Holds)
			}
			d.unchanged("the lock reaches the new name", "db")
			locks := d.locks()
			if len(locks) != 2 {
				t.Fatalf("locks: %v", locks)
			}
			d.ctl("start", "database").wants(t, 0) // the owner may
			d.ctl("stop", "database").wants(t, 0)
			if daemonDead {
				for _, l := range locks {
					if !l.Orphaned {
						t.Errorf("the lock on %s is not shown as orphaned", l.Target)
					}
				}
			}
			d.config(quick + service("db", "") + service("gone", ""))
			d.kill9()
			d.start()
			for _, name := range []string{"db", "gone"} { // put back: still held
				if s := d.status(name); s.State != "down" || !slices.Contains(s.holds(), "lock") {
					t.Errorf("%s is %s, held by %v", name, s.State, s.holds())
				}
			}
			d.unchanged("put back, still held", "db", "gone")
		})
	}
}

// Row 10: SIGHUP with a syntax error.
func TestRow10_ReloadWithASyntaxError(t *testing.T) {
	t.Parallel()
	addr := freePort(t)
	good := "[api]\nlisten = \"" + addr + "\"\n" + quick + service("db", "")
	d := started(t, good)
	pid := d.up("db")[0]
	d.config(good + "\n[service.web\ncommand = 3\n")
	line := fmt.Sprintf("supd.toml:%d", strings.Count(good, "\n")+2)
	d.signal(syscall.SIGHUP)
	eventually(t, "the mistake is told", func() string {
		if p := d.problems(); !strings.Contains(p, line) {
			return fmt.Sprintf("status: %q, want %s", p, line)
		}
		for _, e := range d.events("", "supd.problem") {
			if strings.Contains(e.Text, line) {
				return ""
			}
		}
		return "no event"
	})
	d.ctl("status").wants(t, 0, line)
	if m := metrics(t, addr); !strings.Contains(m, "supd_config_last_reload_successful 0") {
		t.Errorf("metrics do not tell: %s", m)
	}
	d.ctl("reload").wants(t, 1, line)
	d.unchanged("the old config is in force", "db")
	d.shoot("db", syscall.SIGKILL)
	d.waitStarts("db", 2)
	if d.status("db").PID == pid {
		t.Error("db was not restarted")
	}
	d.config(good)
	d.signal(syscall.SIGHUP)
	eventually(t, "the mistake is mended", func() string { return d.problems() })
	d.ctl("status").wants(t, 0)
	if m := metrics(t, addr); !strings.Contains(m, "supd_config_last_reload_successful 1") {
		t.Errorf("metrics still tell of it: %s", m)
	}
}

func metrics(t *testing.T, addr string) string {
	t.Helper()
	r, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// logout ends a session, and returns when no process has it any more.
func (p *somebody) logout() {
	p.d.t.Helper()
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		p.d.t.Fatal(err)
	}
}

// What is gone is said: the exec that took a lock, or the session. Who goes on with it has an ordinary lock of this session.
func TestAbandonedSaysWhoIsGone(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	for _, with := range []bool{true, false} {
		t.Run(fmt.Sprintf("supd %v", with), func(t *testing.T) {
			d := started(t, quick+service("db", "")+service("web", ""))
			d.up("db", "web")
			if !with {
				d.kill9()
			}
			ann := d.login(4001001, 0)
			// exec is killed by the command that it runs: the session lives.
			for _, goOn := range [][]string{{"extend", "db", "--for", "1h"}, {"start", "db", "-m", "by hand now"}} {
				ann.ctl("maintenance", "exec", "db", "--", "/bin/sh", "-c", "kill -9 $PPID").wants(t, -int(syscall.SIGKILL))
				var reply struct {
					Locks []struct {
						ID, File  string
						Abandoned bool
						Why       string `json:"abandoned_why"`
						Attached  bool
					}
				}
				d.decode(&reply, "maintenance", "list", "db").wants(t, 0)
				if len(reply.Locks) != 1 || !reply.Locks[0].Abandoned || !strings.Contains(reply.Locks[0].Why, "exec that took it is gone; the session of uid 4001001 is still there") {
					t.Fatalf("locks: %+v", reply.Locks)
				}
				d.ctl("maintenance", "doctor").wants(t, 1, "exec that took it is gone; the session of uid 4001001 is still there")
				d.ctl("maintenance", "show", reply.Locks[0].ID).wants(t, 0, "abandoned  the supctl maintenance exec that took it is gone")
				if with {
					d.ctl("status", "db").wants(t, 0, "abandoned lock by uid 4001001", "ask uid 4001001 (the lock is abandoned)")
					if h := d.status("db").Holds; len(h) != 1 || !h[0].Abandoned {
						t.Errorf("holds: %+v", h)
					}
				}
				ann.ctl(append([]string{"maintenance"}, goOn...)...).wants(t, 0)
				d.decode(&reply, "maintenance", "list", "db").wants(t, 0)
				if len(reply.Locks) != 1 || reply.Locks[0].Abandoned || reply.Locks[0].Attached {
					t.Errorf("after %q: %+v", goOn, reply.Locks)
				}
				d.ctl("maintenance", "doctor").wants(t, 0)
				ann.ctl("maintenance", "end", "db", "--force").wants(t, 0)
			}

			// A session that is gone: the next one of the same person goes on with its lock.
			gone, next := d.login(4001001, 0), d.login(4001001, 0)
			gone.ctl("maintenance", "start", "db").wants(t, 0)
			next.ctl("restart", "db").wants(t, map[bool]int{true: 4, false: 9}[with])
			gone.logout()
			d.ctl("maintenance", "doctor").wants(t, 1, "the session of uid 4001001 that took it is gone")
			next.ctl("maintenance", "extend", "db", "--for", "1h").wants(t, 0, "EXTENDED")
			d.ctl("maintenance", "doctor").wants(t, 0)
			if with {
				next.ctl("restart", "db").wants(t, 0)
			}
			next.ctl("maintenance", "end", "db", "--force").wants(t, 0)
		})
	}
}

// One has two locks from sessions that are gone, and perhaps a third from this one: each command of the doctor means its own lock.
func TestDoctorsCommandsMeanOneLock(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	for _, with := range []bool{true, false} {
		t.Run(fmt.Sprintf("supd %v", with), func(t *testing.T) {
			d := started(t, quick+service("db", ""))
			d.up("db")
			for range 2 {
				gone := d.login(4001001, 0)
				gone.ctl("maintenance", "start", "db").wants(t, 0)
				gone.logout()
			}
			if !with {
				d.kill9()
			}
			ann := d.login(4001001, 0)
			ann.ctl("maintenance", "end", "db").wants(t, 5, "you hold 2", "--id")
			ann.ctl("maintenance", "start", "db", "-m", "mine").wants(t, 0)
			here := ""
			for _, l := range d.locks() {
				if l.Reason == "mine" {
					here = l.ID
				}
			}
			var reply struct{ Findings []finding }
			r := ann.ctl("maintenance", "doctor", "-o", "json").wants(t, 1)
			if err := json.Unmarshal([]byte(r.Out), &reply); err != nil || len(reply.Findings) != 2 {
				t.Fatalf("findings: %v, %s", err, r.both())
			}
			for _, f := range reply.Findings {
				typed := fmt.Sprintf("PATH=%s:$PATH; echo db | %s", filepath.Dir(programs.supctl), f.Command)
				ann.types([]string{"/bin/sh", "-c", typed}).wants(t, 0).quiet(t, "ask uid 4001001")
				for _, l := range d.locks() {
					if l.ID == f.LockID {
						t.Errorf("%s left it: %+v", f.Command, l)
					}
				}
			}
			ann.ctl("maintenance", "end", "--id", here, "db").wants(t, 2)
			ann.ctl("maintenance", "end", "--id", "nosuchid").wants(t, 3)
			d.login(4001002, 0).ctl("maintenance", "end", "--id", here, "--force").wants(t, 4, "4001001", "break")
			ann.ctl("maintenance", "end", "--id", here, "--force").wants(t, 0)
			if found, _ := d.doctor(); len(found) != 0 {
				t.Errorf("left: %+v", found)
			}
		})
	}
}

// A lock that stands although what is in flight cannot be read: whoever asked for it is told that there is one, and which.
func TestExitCode8NamesTheLockThatStands(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{true, false} {
		d := started(t, quick+service("db", ""))
		d.up("db")
		if !with {
			d.kill9()
		}
		if err := os.WriteFile(d.state("inflight/db"), []byte("junk ["), 0o644); err != nil {
			t.Fatal(err)
		}
		r := d.ctl("maintenance", "start", "db").wants(t, 8, "inflight/db", "doctor")
		locks := d.locks()
		if len(locks) != 1 || !strings.Contains(r.Err, "lock "+locks[0].ID+" on db stands") || strings.Contains(r.Err, "whether \"db\" is locked") {
			t.Errorf("supd %v: locks %+v, told:\n%s", with, locks, r.both())
		}
	}
}

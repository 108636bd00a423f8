package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// openFiles is the kernel's name of nofile (proc(5), /proc/PID/limits).
const openFiles = "Max open files"

// limited is the config of a shell with a child, and its limits.
func limited(limits string) string {
	return quick + "[service.web]\ncommand = [\"/bin/sh\", \"-c\", \"sleep 1000 & echo $! > $DIR/child.new; mv $DIR/child.new $DIR/child; wait\"]\nready = \"delay:1ms\"\nlimits = { " + limits + " }\n"
}

// child is the pid that the shell of limited wrote.
func (d *daemon) child() (pid int) {
	d.t.Helper()
	eventually(d.t, "the child's pid", func() string {
		b, err := os.ReadFile(d.path("child"))
		if err == nil {
			_, err = fmt.Sscan(string(b), &pid)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
	return pid
}

// New limits are given to every process of a running service, without a restart; the next supd knows them.
func TestReloadChangesLimitsInFlight(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"root", "user"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, limited("nofile = \"300:400\", core = \"1M:2M\""))
			if how == "user" {
				d.ordinary()
			}
			d.start()
			pid, child := d.up("web")[0], d.child()
			d.config(limited("nofile = \"200:350\", core = \"1M:2M\", fsize = \"1G\""))
			d.ctl("config", "diff").wants(t, 0, "limits.fsize, limits.nofile changed: applied at once")
			d.ctl("reload").wants(t, 0, "applied at once")
			for _, p := range []int{pid, child} {
				l := limitsOf(t, p)
				if got := l[openFiles] + " " + l["Max core file size"] + " " + l["Max file size"]; got != "200:350 1048576:2097152 1073741824:1073741824" {
					t.Errorf("pid %d has %s", p, got)
				}
			}
			s := d.status("web")
			if s.PID != pid || s.Pending {
				t.Errorf("pid %d, want %d; change pending: %v", s.PID, pid, s.Pending)
			}
			d.ctl("events", "--service", "web").wants(t, 0, "runs on with new limits: limits.")
			d.kill9()
			d.start()
			if s := d.waitState("web", "up"); s.PID != pid || s.Pending {
				t.Errorf("after a crash of supd: pid %d, want %d; change pending: %v", s.PID, pid, s.Pending)
			}
		})
	}
}

// Under a lock the limits stay as they are, whatever is reloaded; they are set when the lock ends.
func TestReloadChangesNoLimitsUnderALock(t *testing.T) {
	t.Parallel()
	d := started(t, limited(`nofile = "300:400"`))
	pid := d.up("web")[0]
	d.ctl("maintenance", "start", "web", "-m", "look").wants(t, 0)
	d.config(limited(`nofile = "200:350"`))
	d.ctl("reload").wants(t, 0, "limits.nofile pending: it is held")
	if got := limitsOf(t, pid)[openFiles]; got != "300:400" {
		t.Errorf("under the lock nofile became %s", got)
	}
	if !d.status("web").Pending {
		t.Error("no change is pending")
	}
	d.ctl("explain", "web").wants(t, 0, "limits.nofile pending: it is held")
	if found := d.events("web", "action.suppressed"); len(found) != 1 {
		t.Errorf("events: %v", found)
	}
	d.kill9()
	d.start()
	d.up("web")
	if got := limitsOf(t, pid)[openFiles]; got != "300:400" {
		t.Errorf("the next supd gave it %s under the lock", got)
	}
	d.ctl("maintenance", "end", "web").wants(t, 0)
	eventually(t, "the limit is set after the lock", func() string {
		if got := limitsOf(t, pid)[openFiles]; got != "200:350" {
			return strconv.Quote(got)
		}
		return ""
	})
	eventually(t, "nothing is pending", func() string {
		if s := d.status("web"); s.Pending || s.PID != pid {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
}

// The lock's owner settles it earlier with --apply; nobody else does.
func TestReloadApplyChangesLimitsUnderOnesOwnLock(t *testing.T) {
	t.Parallel()
	d := started(t, limited(`nofile = "300:400"`))
	pid := d.up("web")[0]
	d.ctl("maintenance", "start", "web", "-m", "look").wants(t, 0)
	d.config(limited(`nofile = "200:350"`))
	d.ctl("reload", "--apply").wants(t, 0)
	if got := limitsOf(t, pid)[openFiles]; got != "200:350" {
		t.Errorf("nofile is %s", got)
	}
	if s := d.status("web"); s.PID != pid || s.Pending {
		t.Errorf("%+v", s)
	}
}

// What the kernel refuses is pending with its reason, takes nothing down, and keeps no other limit back.
func TestRefusedLimitStaysPending(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, limited(`nofile = "300:400"`))
	d.ordinary()
	d.start()
	pid := d.up("web")[0]
	d.config(limited(`nofile = "300:500", core = 0`))
	d.ctl("reload").wants(t, 0, "limits.nofile pending: cannot set limits.nofile = 300:500: operation not permitted", "raise that of supd, or run supd as root")
	if l := limitsOf(t, pid); l[openFiles]+" "+l["Max core file size"] != "300:400 0:0" {
		t.Errorf("it has %s, %s", l[openFiles], l["Max core file size"])
	}
	d.ctl("reload", "--apply").wants(t, 1, "cannot change the limits of \"web\": cannot set limits.nofile")
	if s := d.status("web"); s.PID != pid || !s.Pending {
		t.Errorf("%+v", s)
	}
	d.ctl("explain", "web").wants(t, 0, "limits.nofile pending: cannot set")
	// Said no more, it is as it was.
	d.config(limited(`nofile = "300:400", core = 0`))
	d.ctl("reload").wants(t, 0)
	if s := d.status("web"); s.PID != pid || s.Pending {
		t.Errorf("%+v", s)
	}
}

// A limit of the whole service that cannot be enforced here is pending too; one that is no longer said takes a restart.
func TestLimitsThatTakeARestart(t *testing.T) {
	t.Parallel()
	d := started(t, limited(`nofile = "300:400"`))
	pid := d.up("web")[0]
	d.config(limited(``))
	r := d.ctl("reload").wants(t, 0, "limits.nofile changed: restart needed")
	if strings.Contains(r.both(), "applied at once") || d.status("web").PID != pid || !d.status("web").Pending {
		t.Errorf("%s", r.both())
	}
	d.ctl("reload", "--apply").wants(t, 0)
	s := d.waitState("web", "up")
	if got := limitsOf(t, s.PID)[openFiles]; s.PID == pid || got == "300:400" || s.Pending {
		t.Errorf("after --apply: pid %d, nofile %s", s.PID, got)
	}
	d.config(limited(`cpu_time = "1h"`))
	d.ctl("reload").wants(t, 0, "limits.cpu_time changed: restart needed")
}

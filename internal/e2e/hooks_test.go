package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// noting is a hook that writes its name and what it sees into a file.
func noting(name string) string {
	return fmt.Sprintf("%s = [[\"/bin/sh\", \"-c\", \"echo %s $SUPD_HOOK $SUPD_SERVICE ${MAINPID:+main} >> $DIR/hooks\"]]\n", name, name)
}

// hooks are the lines that the hooks wrote.
func (d *daemon) hooks() []string {
	d.t.Helper()
	b, err := os.ReadFile(d.path("hooks"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestHooksRunInTheirOrder(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", noting("pre_start")+noting("post_start")+noting("pre_stop")+noting("post_stop")))
	d.up("web")
	d.ctl("restart", "web").wants(t, 0)
	d.ctl("stop", "web").wants(t, 0)
	start := []string{"pre_start pre_start web", "post_start post_start web main"}
	stop := []string{"pre_stop pre_stop web main", "post_stop post_stop web"}
	want := append(append(append(append([]string{}, start...), stop...), start...), stop...)
	got := d.hooks()
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The reason of the failed start is what the hook said last; the program is not started.
func TestFailingPreStartIsAFailedStart(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "autostart = false\npre_start = [[\"/bin/sh\", \"-c\", \"echo the schema is newer than the program; exit 3\"]]\n"))
	d.ctl("start", "web").wants(t, 1, "pre_start", "exit code 3", "the schema is newer than the program")
	if n := len(d.noted("web", "start")); n != 0 {
		t.Errorf("the program was started %d times", n)
	}
	d.ctl("show", "web").wants(t, 0, "the schema is newer than the program")
	d.ctl("logs", "web").wants(t, 0, "the schema is newer than the program")
}

// A hook that hangs is ended in its time, and the start with it.
func TestHangingHook(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "autostart = false\nhook_timeout = \"200ms\"\npre_start = [[\"/bin/sleep\", \"1000\"]]\n"))
	d.ctl("start", "web").wants(t, 1, "pre_start", "killed after")
}

// What fails beside the service does not take it down.
func TestFailingPostStartIsAnEvent(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "post_start = [[\"/bin/false\"]]\npre_stop = [[\"/bin/false\"]]\n"))
	d.up("web")
	d.ctl("stop", "web").wants(t, 0)
	d.waitState("web", "down")
	d.ctl("events", "--service", "web").wants(t, 0, "hook of \"web\" failed: post_start", "hook of \"web\" failed: pre_stop")
}

// A hook is part of its action: what a lock holds back, it holds back with its hooks.
func TestNoHookUnderALock(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", noting("pre_start")))
	d.up("web")
	d.ctl("maintenance", "start", "web", "-m", "look").wants(t, 0)
	before := len(d.hooks())
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "down")
	d.unchanged("no hook under a lock", "web")
	if after := len(d.hooks()); after != before {
		t.Errorf("%d hooks ran, want %d", after, before)
	}
}

// A program of on_reload that hangs is ended in its time, with what it forked; the service runs on.
func TestHangingReload(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "hook_timeout = \"300ms\"\non_reload = [\"/bin/sh\", \"-c\", \"echo waiting for the db; sleep 1000 & echo $! > $DIR/forked; wait\"]\n"))
	pid := d.up("web")[0]
	d.ctl("reload", "web").wants(t, 1, "cannot reload \"web\"", "killed after", "waiting for the db")
	d.forkedIsGone()
	if s := d.status("web"); s.PID != pid || s.State != "up" {
		t.Errorf("%+v", s)
	}
}

// A stop command that hangs is ended with the time of the stop, and the service goes down all the same; its last words
// are in the event.
func TestHangingStopCommand(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("web", "log = \"file\"\n[service.web.stop]\ntimeout = \"300ms\"\ncommand = [\"/bin/sh\", \"-c\", \"echo nobody listens; sleep 1000 & echo $! > $DIR/forked; wait\"]\n"))
	pid := d.up("web")[0]
	d.ctl("stop", "web").wants(t, 0)
	d.forkedIsGone()
	if alive(pid) {
		t.Errorf("pid %d is still there", pid)
	}
	d.ctl("events", "--service", "web").wants(t, 0, "the stop command of \"web\" failed: killed after", "nobody listens")
	d.ctl("logs", "web").wants(t, 0, "nobody listens")
}

// forkedIsGone: the process whose pid a script wrote has ended.
func (d *daemon) forkedIsGone() {
	d.t.Helper()
	var pid int
	b, err := os.ReadFile(d.path("forked"))
	if err == nil {
		_, err = fmt.Sscan(string(b), &pid)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "the end of what the script forked", func() string {
		if alive(pid) {
			return fmt.Sprintf("pid %d lives", pid)
		}
		return ""
	})
}

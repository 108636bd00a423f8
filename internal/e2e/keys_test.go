package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKeysOfAProcess shows what the keys do that a process is started with, asked of the kernel.
func TestKeysOfAProcess(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, quick+`
[service.web]
description = "the shop"
command = ["/bin/sh", "-c", "echo hello; trap 'echo > $DIR/place/reloaded' HUP; trap 'echo > $DIR/place/stopped; exit 0' USR1; while :; do sleep 0.05; done"]
ready = "delay:1ms"
dir = "$DIR/place"
user = "nobody"
group = "daemon"
groups = ["mail", "news"]
env = { MODE = "production" }
env_file = "$DIR/web.env"
umask = "027"
nice = 7
oom_score_adj = 321
limits = { nofile = 1234 }
log = "file"
log_file = "$DIR/web.out"
on_reload = "signal:HUP"
[service.web.stop]
signal = "USR1"
timeout = "20s"
`)
	for name, mode := range map[string]os.FileMode{"place": 0o777} {
		if err := os.MkdirAll(d.path(name), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d.path(name), mode); err != nil { // the service writes there as nobody
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(d.path("web.env"), []byte("FROM_FILE=yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start()
	pid := d.waitState("web", "up").PID
	proc := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	gid := func(name string) string {
		g, err := user.LookupGroup(name)
		if err != nil {
			t.Fatal(err)
		}
		return g.Gid
	}
	status := proc("status")
	for key, want := range map[string]string{
		"user": "Uid:\t" + nobody.Uid + "\t", "group": "Gid:\t" + gid("daemon") + "\t", "umask": "Umask:\t0027\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("%s: no %q in\n%s", key, want, status)
		}
	}
	for _, g := range []string{"mail", "news"} { // groups
		_, line, _ := strings.Cut(status, "Groups:\t")
		line, _, _ = strings.Cut(line, "\n")
		if !strings.Contains(" "+line+" ", " "+gid(g)+" ") {
			t.Errorf("groups: %s is not in %q", g, line)
		}
	}
	for _, v := range []string{"MODE=production\x00", "FROM_FILE=yes\x00"} { // env, env_file
		if !strings.Contains(proc("environ"), v) {
			t.Errorf("environment without %q", v)
		}
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || dir != d.path("place") {
		t.Errorf("dir: %q, %v", dir, err)
	}
	if got := strings.TrimSpace(proc("oom_score_adj")); got != "321" {
		t.Errorf("oom_score_adj: %s", got)
	}
	if _, rest, _ := strings.Cut(proc("stat"), ") "); strings.Fields(rest)[16] != "7" { // field 19 of proc_pid_stat(5)
		t.Errorf("nice: %s", rest)
	}
	if !strings.Contains(strings.Join(strings.Fields(proc("limits")), " "), "Max open files 1234 1234") { // nofile
		t.Errorf("limits:\n%s", proc("limits"))
	}
	eventually(t, "a line in log_file", func() string {
		text, _ := os.ReadFile(d.path("web.out"))
		if string(text) != "hello\n" {
			return string(text)
		}
		return ""
	})
	wait := func(name string) {
		eventually(t, name, func() string {
			if _, err := os.Stat(d.path(name)); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	d.ctl("config", "show", "web").wants(t, 0, `description = "the shop"`)
	d.ctl("reload", "web").wants(t, 0) // on_reload
	wait("place/reloaded")
	d.ctl("stop", "web").wants(t, 0) // stop.signal
	wait("place/stopped")
}

// TestKeysOfAStop: stop.command instead of a signal, and stop.timeout after which the whole tree is killed.
func TestKeysOfAStop(t *testing.T) {
	t.Parallel()
	d := started(t, quick+`
[service.polite]
command = ["/bin/sh", "-c", "while ! test -e $DIR/please; do sleep 0.05; done"]
ready = "delay:1ms"
[service.polite.stop]
command = ["/bin/sh", "-c", "touch $DIR/please"]
[service.deaf]
command = ["/bin/sh", "-c", "trap '' TERM; sleep 1000 & while :; do sleep 0.05; done"]
ready = "delay:1ms"
[service.deaf.stop]
timeout = "300ms"
`)
	deaf := d.waitState("deaf", "up").PID
	d.waitState("polite", "up")
	d.ctl("stop", "polite", "deaf").wants(t, 0)
	if _, err := os.Stat(d.path("please")); err != nil {
		t.Errorf("stop.command: %v", err)
	}
	eventually(t, "the end of the tree of deaf", func() string { // dead, and reaped by whoever inherited it
		if err := syscall.Kill(-deaf, 0); err != syscall.ESRCH {
			return fmt.Sprintf("stop.timeout: the tree of %d is still there: %v", deaf, err)
		}
		return ""
	})
}

// TestKeysOfWho: operators and admins decide who may do what.
func TestKeysOfWho(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+"[api]\noperators = [\"user:65534\"]\nadmins = [\"user:1\"]\n"+service("web", ""))
	d.up("web")
	operator, admin, anybody := d.login(6001, 65534), d.login(6002, 1), d.login(6003, 2)
	anybody.ctl("restart", "web").wants(t, 10)
	operator.ctl("restart", "web").wants(t, 0)
	operator.ctl("upgrade").wants(t, 10)
	admin.ctl("upgrade").wants(t, 0)
}

// TestKeysOfReadiness: what is not ready in ready_timeout has failed to start.
func TestKeysOfReadiness(t *testing.T) {
	t.Parallel()
	d := started(t, quick+"[service.mute]\ncommand = [\"/bin/sleep\", \"1000\"]\nready = \"notify\"\nready_timeout = \"300ms\"\n")
	d.ctl("start", "mute").wants(t, 1)
	d.ctl("events", "--service", "mute").wants(t, 0, "300ms")
}

// TestKeysOfALock: default_duration is the expected end of a lock that says none; must_be_free is asked after --stop.
func TestKeysOfALock(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	d := started(t, "[maintenance]\nsettle = \"0s\"\ndefault_duration = \"90m\"\n"+service("web", "[service.web.maintenance]\nmust_be_free = [\"tcp:"+taken.Addr().String()+"\"]\n"))
	d.ctl("maintenance", "start", "web").wants(t, 0)
	var reply struct {
		Locks []struct{ Since, Until time.Time }
	}
	r := d.ctl("maintenance", "list", "-o", "json").wants(t, 0)
	if err := json.Unmarshal([]byte(r.Out), &reply); err != nil || len(reply.Locks) != 1 {
		t.Fatalf("%v: %s", err, r.Out)
	}
	if l := reply.Locks[0]; l.Until.Sub(l.Since).Round(time.Second) != 90*time.Minute {
		t.Errorf("from %s until %s", l.Since, l.Until)
	}
	d.ctl("maintenance", "start", "web", "--stop", "--wait", "2s").wants(t, 7, taken.Addr().String())
}

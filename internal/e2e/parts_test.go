package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// part is a real server under supd.
type part struct {
	d     *daemon
	name  string
	query func() string // "" when it answers
	stop  func()        // by its own tools
}

// TestPostgreSQL runs Debian's PostgreSQL under supd as its own user.
func TestPostgreSQL(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	bin := newest(t, "/usr/lib/postgresql/*/bin/postgres")
	tool := func(name string) string { return filepath.Join(filepath.Dir(bin), name) }
	d := newDaemon(t, quick)
	uid := d.userDir("pg", "postgres")
	data, port := d.path("pg/data"), portOf(freePort(t))
	as(t, uid, tool("initdb"), "--auth=trust", "--username=postgres", "--no-sync", "-D", data)
	d.config(quick + fmt.Sprintf(`
[service.db]
command  = [%q, "-D", %q, "-p", %q, "-k", %q, "-c", "listen_addresses=127.0.0.1"]
user     = "postgres"
dir      = %q
paths    = [%q]
stateful = true
ready    = "check:query"
[service.db.stop]
signal  = "INT"
timeout = "30s"
[service.db.check.query]
type    = "program"
command = [%q, "-h", "127.0.0.1", "-p", %q]
`, bin, data, port, d.path("pg"), data, data, tool("pg_isready"), port))
	p := part{d: d, name: "db"}
	p.query = func() string {
		out, err := exec.Command("psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-Atc", "select 6*7").CombinedOutput()
		if err != nil || string(out) != "42\n" {
			return fmt.Sprintf("psql: %v: %s", err, out)
		}
		return ""
	}
	p.stop = func() { as(t, uid, tool("pg_ctl"), "stop", "-w", "-m", "fast", "-D", data) }
	d.start()
	p.story(t, uid)
}

// TestRedis runs Debian's Redis under supd as its own user.
func TestRedis(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	bin := newest(t, "/usr/bin/redis-server")
	d := newDaemon(t, quick)
	uid := d.userDir("redis", "redis")
	port := portOf(freePort(t))
	d.config(quick + fmt.Sprintf(`
[service.cache]
command  = [%q, "--port", %q, "--bind", "127.0.0.1", "--dir", %q, "--daemonize", "no"]
user     = "redis"
stateful = true
ready    = "check:port"
[service.cache.check.port]
type    = "tcp"
address = "127.0.0.1:%s"
`, bin, port, d.path("redis"), port))
	p := part{d: d, name: "cache"}
	p.query = func() string {
		out, err := exec.Command("redis-cli", "-p", port, "ping").CombinedOutput()
		if err != nil || string(out) != "PONG\n" {
			return fmt.Sprintf("redis-cli: %v: %s", err, out)
		}
		return ""
	}
	p.stop = func() {
		if out, err := exec.Command("redis-cli", "-p", port, "shutdown", "nosave").CombinedOutput(); err != nil {
			t.Fatalf("redis-cli shutdown: %v: %s", err, out)
		}
	}
	d.start()
	p.story(t, uid)
}

// story is what the product is about, on a server that keeps data.
func (p part) story(t *testing.T, uid int) {
	d := p.d
	pid := d.up(p.name)[0]
	eventually(t, "an answer", p.query)
	if got := uidOf(t, pid); got != uid {
		t.Fatalf("%s runs as uid %d, want %d", p.name, got, uid)
	}

	// Killed, it is back and answers.
	d.shoot(p.name, syscall.SIGKILL)
	d.again(p.name, pid)
	eventually(t, "an answer after SIGKILL", p.query)

	// Under a lock it stays down, whatever becomes of supd, until its owner says start.
	d.ctl("maintenance", "start", p.name, "-m", "vacuum").wants(t, 0)
	d.shoot(p.name, syscall.SIGKILL)
	d.waitState(p.name, "down")
	p.staysDown("under a lock")
	d.kill9()
	d.start()
	p.staysDown("under a lock, supd is another")
	d.ctl("maintenance", "end", p.name).wants(t, 5, "--start")
	d.ctl("maintenance", "end", p.name, "--start").wants(t, 0)
	if missing := p.query(); missing != "" {
		t.Fatalf("after end --start: %s", missing)
	}

	// Stopped by its own tools without a lock: an operator stop, told with what comes next, also by the next supd.
	p.stop()
	for range 2 {
		s := d.waitHold(p.name, "operator-stop")
		for _, next := range []string{"supctl start " + p.name, "supctl maintenance start " + p.name} {
			if !strings.Contains(s.Next, next) {
				t.Errorf("status does not name %q: %q", next, s.Next)
			}
		}
		p.staysDown("stopped by its own tools")
		d.ctl("status").wants(t, 0)
		d.stop()
		d.start()
	}
	d.ctl("start", p.name).wants(t, 0)
	pid = d.up(p.name)[0]
	eventually(t, "an answer after start", p.query)
	if s := d.status(p.name); len(s.Holds) > 0 {
		t.Errorf("still held: %v", s.Holds)
	}

	// It ends cleanly and leaves nothing.
	d.ctl("stop", p.name).wants(t, 0)
	if alive(pid) {
		t.Errorf("process %d is left", pid)
	}
}

func (p part) staysDown(why string) {
	p.d.t.Helper()
	never(p.d.t, why, calm, func() string {
		s := p.d.status(p.name)
		if s.State != "down" || s.PID != 0 || len(s.Holds) == 0 || p.query() == "" {
			return fmt.Sprintf("it is %s, process %d, held by %v", s.State, s.PID, s.holds())
		}
		return ""
	})
}

// again waits until a service is up with another process.
func (d *daemon) again(name string, before int) (pid int) {
	d.t.Helper()
	eventually(d.t, name+" is up again", func() string {
		s := d.status(name)
		if pid = s.PID; s.State != "up" || pid == before {
			return fmt.Sprintf("it is %s with process %d: %s", s.State, s.PID, s.Detail)
		}
		return ""
	})
	return pid
}

// userDir makes a directory that belongs to a user and gives his uid.
func (d *daemon) userDir(name, who string) (uid int) {
	d.t.Helper()
	u, err := user.Lookup(who)
	if err != nil {
		d.t.Fatalf("%v (make test installs what the tests need)", err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Mkdir(d.path(name), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Chown(d.path(name), uid, gid); err != nil {
		d.t.Fatal(err)
	}
	return uid
}

// as runs a program as a user; it must succeed. Its output goes to a file: what it leaves running would hold a pipe open.
func as(t *testing.T, uid int, argv ...string) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		t.Fatalf("%v: %v\n%s", argv, err, text)
	}
}

// newest finds an installed program. A missing one is a failure: make test installs what the tests need.
func newest(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is not installed (make test installs what the tests need)", pattern)
	}
	return slices.Max(found)
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// uidOf is the effective uid of a process.
func uidOf(t *testing.T, pid int) int {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

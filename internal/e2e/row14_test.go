package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// byHand has somebody log in as loginUID, and start a command in the background of a shell that stays; it gives the
// command's pid.
func (d *daemon) byHand(loginUID int, argv ...string) (pid int) {
	d.t.Helper()
	p := d.login(loginUID, 0)
	quoted := make([]string, len(argv))
	for i, a := range argv {
		quoted[i] = "'" + a + "'"
	}
	file := filepath.Join(d.t.TempDir(), "pid")
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.types([]string{"sh", "-c", strings.Join(quoted, " ") + " >/dev/null 2>&1 & echo $! >" + file + ".new; mv " + file + ".new " + file + "; wait"})
	}()
	eventually(d.t, "it is started by hand", func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return err.Error()
		}
		return ""
	})
	d.t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL); <-done })
	return pid
}

// witnessArgv is the command of a service made by service().
func (d *daemon) witnessArgv(name string) []string {
	return []string{programs.self, "witness", "-log", d.path(name + ".log")}
}

// alarmed waits until so many processes are known to run by another hand.
func (d *daemon) alarmed(name string, n int) []strayStatus {
	d.t.Helper()
	var s serviceStatus
	eventually(d.t, fmt.Sprintf("%d started under lock", n), func() string {
		if s = d.status(name); len(s.StartedUnderLock) != n {
			return fmt.Sprintf("%+v\n%s", s.StartedUnderLock, d.log())
		}
		return ""
	})
	return s.StartedUnderLock
}

// Row 14: somebody starts by hand what a lock means to be down. The owner is told at once, on the terminal as well; so is
// everybody who looks; a restart of supd says nothing twice; and it is over when the process is gone.
func TestRow14_StartedUnderLock(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	screen := newScreen(t, 4001001)
	ann := d.loginAt(screen.tty, 4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop", "-m", "new disk").wants(t, 0)

	pid := d.byHand(4001002, d.witnessArgv("db")...)
	v := d.alarmed("db", 1)[0]
	if v.PID != pid || v.LoginUID == nil || *v.LoginUID != 4001002 || v.Parent != "sh" || v.ParentPID == 0 || !strings.Contains(v.Command, "db.log") {
		t.Errorf("it is described as %+v, its pid is %d", v, pid)
	}
	for _, name := range []string{"started under lock", fmt.Sprint("pid ", pid), fmt.Sprintf("by pid %d (sh)", v.ParentPID), "login user uid 4001002"} {
		eventually(t, "the owner's terminal shows "+name, func() string {
			if !strings.Contains(screen.text(), name) {
				return fmt.Sprintf("%q", screen.text())
			}
			return ""
		})
	}
	d.ctl("status", "db").wants(t, 1, "started under lock", fmt.Sprint("pid ", pid), "4001002")
	d.ctl("show", "db").wants(t, 0, fmt.Sprint("started under lock: pid ", pid))
	d.ctl("maintenance", "list").wants(t, 0, "started under lock")
	locks := d.locks()
	if len(locks) != 1 || len(locks[0].StartedUnderLock) != 1 {
		t.Fatalf("the lock has %+v", locks)
	}
	d.ctl("maintenance", "show", locks[0].ID).wants(t, 0, fmt.Sprint("started under lock: pid ", pid))
	ann.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 5, "started under the lock", fmt.Sprint("pid ", pid))
	ann.ctl("maintenance", "end", "db", "--start").wants(t, 5, "started under the lock")
	events := func() int { return len(d.events("db", "service.started_under_lock")) }
	if n := events(); n != 1 {
		t.Fatalf("%d events", n)
	}

	d.kill9()
	d.start()
	d.alarmed("db", 1)
	d.unchanged("an alarm starts nothing", "db")
	if n := events(); n != 1 {
		t.Fatalf("%d events after a restart of supd, want the one", n)
	}

	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.alarmed("db", 0)
	eventually(t, "the end is recorded", func() string {
		if n := len(d.events("db", "service.started_under_lock_over")); n != 1 {
			return fmt.Sprintf("%d events", n)
		}
		return ""
	})
	ann.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	if n := len(d.events("web", "service.started_under_lock")); n != 0 {
		t.Errorf("%d alarms about web", n)
	}
}

// Row 14: what comes up while supd is dead is told by the next one.
func TestRow14_WhileSupdIsDead(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	ann := d.login(4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	d.kill9()
	pid := d.byHand(4001002, d.witnessArgv("db")...)
	d.start()
	if v := d.alarmed("db", 1)[0]; v.PID != pid {
		t.Errorf("%+v, want pid %d", v, pid)
	}
}

// Row 14: the owner's own start through supctl is theirs, with what the service starts; a lock without --stop raises nothing.
func TestRow14_TheOwnersStartIsNone(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.stop]\ntimeout = \"100ms\"", "-children", "2")+service("web", ""))
	d.up("db", "web")
	ann := d.login(4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	ann.ctl("maintenance", "start", "web").wants(t, 0)
	ann.ctl("start", "db").wants(t, 0)
	ann.ctl("restart", "db").wants(t, 0)
	ann.ctl("stop", "web").wants(t, 0)
	d.byHand(4001002, d.witnessArgv("web")...)
	d.kill9()
	d.start()
	// What is recorded before a process that does raise one is all that there is.
	ann.ctl("stop", "db").wants(t, 0)
	d.byHand(4001002, append(d.witnessArgv("db"), "-children", "2")...)
	d.alarmed("db", 1)
	for name, want := range map[string]int{"db": 1, "web": 0} {
		if got := d.events(name, "service.started_under_lock"); len(got) != want {
			t.Errorf("%s: %d events, want %d: %+v", name, len(got), want, got)
		}
	}
}

// Row 14: whoever listens where nobody may while the service is down is found, whatever program that is.
func TestRow14_TheAddressIsTaken(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	d := started(t, quick+service("db", "[service.db.maintenance]\nmust_be_free = [\"tcp:"+address+"\"]"))
	d.up("db")
	ann := d.login(4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	pid := d.byHand(4001002, programs.self, "witness", "-log", d.path("other.log"), "-listen", address)
	v := d.alarmed("db", 1)[0]
	if v.PID != pid || !strings.Contains(v.How, "listens on tcp:"+address) {
		t.Errorf("%+v, want pid %d", v, pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.alarmed("db", 0)
}

// Nobody has a socket that is on its way from one process to another: an alarm about one was believed until the next look, up
// to five seconds after the address was free, and an end was refused.
func TestRow14_TheAddressOfNobodyIsFreeAgain(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.maintenance]\nmust_be_free = [\"unix:$DIR/db.sock\"]"))
	d.up("db")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	close := sentToNobody(t, d.path("db.sock"))
	d.byHand(4001002, "sleep", "60") // a program begins: the addresses are looked at
	if v := d.alarmed("db", 1)[0]; v.PID != 0 || !strings.Contains(v.How, "listens on unix:") {
		t.Errorf("%+v", v)
	}
	d.ctl("maintenance", "end", "db", "--start").wants(t, 5, "listens on unix:")
	close()
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	if all := d.events("db", "service.started_under_lock"); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// sentToNobody is a socket that listens at path and is in no process's hands, until it is closed.
func sentToNobody(t *testing.T, path string) (close func()) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		var fd int
		if fd, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err == nil {
			defer syscall.Close(fd)
			err = errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 1),
				syscall.Sendmsg(pair[0], []byte{0}, syscall.UnixRights(fd), nil, 0))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	close = sync.OnceFunc(func() { syscall.Close(pair[0]); syscall.Close(pair[1]) })
	t.Cleanup(close)
	return close
}

// Row 14: what ran before the lock was not started under it, and what another supd runs with everybody's program is another
// service. Of its own command somebody has to say that it is something else: --force.
func TestRow14_EverybodysProgram(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	const text = "[service.db]\ncommand = [\"sleep\", \"86123\"]\nready = \"delay:1ms\"\n"
	d := started(t, quick+text)
	d.up("db")
	before := d.byHand(4001002, "sleep", "86123")
	ann := d.login(4001001, 0)
	ann.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	other := started(t, quick+text)
	t.Cleanup(func() { other.ctl("stop", "db") }) // should the test fail: nobody else looks for a sleep
	other.up("db")
	d.kill9()
	d.start()
	after := d.byHand(4001002, "sleep", "86123")
	if v := d.alarmed("db", 1)[0]; v.PID != after {
		t.Errorf("%+v; before the lock was pid %d, by hand %d", v, before, after)
	}
	ann.ctl("maintenance", "end", "db", "--leave-stopped").wants(t, 5, fmt.Sprint("pid ", after))
	ann.ctl("maintenance", "end", "db", "--leave-stopped", "--force").wants(t, 0)
	d.alarmed("db", 0)
}

// The very command of a service was only told of when its program is everybody's (a shell with -c, redis-server without a
// file): ready said READY, and an end started a second copy beside it.
func TestRow14_EverybodysProgramIsNoExcuse(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	script := fmt.Sprintf("while :; do sleep 1; done # the database %d", os.Getpid())
	d := started(t, quick+fmt.Sprintf("[service.db]\ncommand = [\"/bin/sh\", \"-c\", %q]\nready = \"delay:1ms\"\n", script))
	d.waitState("db", "up")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0)
	pid := d.byHand(4001002, "/bin/sh", "-c", script)
	d.alarmed("db", 1)
	d.ctl("maintenance", "ready", "db").wants(t, 7, "started under lock", fmt.Sprint("pid ", pid))
	for _, decision := range []string{"--start", "--leave-stopped"} {
		d.ctl("maintenance", "end", "db", decision).wants(t, 5, "started under the lock", fmt.Sprint("pid ", pid), "--force")
	}
	if s := d.status("db"); s.State != "down" || s.PID != 0 {
		t.Errorf("db: %+v", s)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.alarmed("db", 0)
	d.ctl("maintenance", "ready", "db").wants(t, 0)
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
}

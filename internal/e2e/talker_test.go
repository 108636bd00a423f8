package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// talker is a service that speaks sd_notify: it says first, and then what the test puts into the file NAME.say. Words
// of its own: "beats" and "hangs" (signs of life every 20 ms, or no more), "child MESSAGE" (by a child of its), "fork"
// (a child that is the main process from then on; it ends itself), "socket PATH MESSAGE" (to somebody else's socket).
func talker(args []string) int {
	log, first := args[0], args[1]
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGABRT)
	write(log, "start")
	write(log, "WATCHDOG_USEC="+os.Getenv("WATCHDOG_USEC"))
	say(os.Getenv("NOTIFY_SOCKET"), first)
	beats := true
	for tick := time.NewTicker(2 * pollEvery); ; {
		select {
		case s := <-signals:
			name := unix.SignalName(s.(syscall.Signal))
			write(log, name)
			switch s {
			case syscall.SIGHUP:
				var ts unix.Timespec
				unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
				say(os.Getenv("NOTIFY_SOCKET"), fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", ts.Nano()/1000))
			default:
				signal.Reset(s)
				syscall.Kill(os.Getpid(), s.(syscall.Signal))
			}
		case <-tick.C:
			if beats {
				say(os.Getenv("NOTIFY_SOCKET"), "WATCHDOG=1")
			}
			file := strings.TrimSuffix(log, ".log") + ".say"
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			os.Remove(file)
			word, rest, _ := strings.Cut(string(text), " ")
			switch word {
			case "beats", "hangs":
				beats = word == "beats"
			case "child":
				c := exec.Command("/proc/self/exe", "say", rest)
				c.Run()
			case "fork":
				c := exec.Command("/proc/self/exe", "talker", log, "STATUS=the child")
				if c.Start() == nil {
					say(os.Getenv("NOTIFY_SOCKET"), "MAINPID="+strconv.Itoa(c.Process.Pid))
					return 0
				}
			case "socket":
				path, message, _ := strings.Cut(rest, " ")
				say(path, message)
			default:
				say(os.Getenv("NOTIFY_SOCKET"), string(text))
			}
			write(log, "said "+word)
		}
	}
}

// sayOnce is a child that speaks for its parent and waits until it was heard, as systemd-notify does.
func sayOnce(args []string) int {
	say(os.Getenv("NOTIFY_SOCKET"), args[0])
	r, w, err := os.Pipe()
	if err != nil {
		return 1
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err == nil {
		err = unix.Sendmsg(fd, []byte("BARRIER=1"), unix.UnixRights(int(w.Fd())), &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}, 0)
	}
	if err != nil {
		return 1
	}
	w.Close()
	r.Read(make([]byte, 1))
	return 0
}

func say(path, message string) {
	c, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer c.Close()
	c.Write([]byte(message))
}

// talking is the config of a talker.
func talking(name, first, more string) string {
	return fmt.Sprintf("\n[service.%s]\ncommand = [%q, \"talker\", \"$DIR/%s.log\", %q]\n%s\n", name, programs.self, name, first, more)
}

// tell has the talker say something, and returns when it has.
func (d *daemon) tell(name, text string) {
	d.t.Helper()
	word, _, _ := strings.Cut(text, " ")
	before := len(d.noted(name, "said "+word))
	tmp := d.path(name + ".say.new")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(d.dir, name+".say")); err != nil {
		d.t.Fatal(err)
	}
	if word == "fork" {
		return
	}
	eventually(d.t, name+" says "+word, func() string {
		if len(d.noted(name, "said "+word)) == before {
			return "not yet"
		}
		return ""
	})
}

// detail waits until status says text of the service.
func (d *daemon) detail(name, text string) {
	d.t.Helper()
	eventually(d.t, name+" has status text "+text, func() string {
		if s := d.all()[name]; s.Detail != text {
			return strconv.Quote(s.Detail)
		}
		return ""
	})
}

func (d *daemon) waitEvent(name, kind string) event {
	d.t.Helper()
	var found []event
	eventually(d.t, kind+" of "+name, func() string {
		if found = d.events(name, kind); len(found) == 0 {
			return "no such event"
		}
		return ""
	})
	return found[len(found)-1]
}

func TestStatusTextOfAService(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "READY=1\nSTATUS=serving 3 clients", "ready = \"notify\""))
	d.up("a")
	d.detail("a", "serving 3 clients")
	d.tell("a", "STATUS=evil \x1b[2J terminal")
	d.detail("a", "evil  [2J terminal")
	d.tell("a", "child STATUS=from a child")
	d.detail("a", "from a child")
	if out := d.ctl("show", "a").Out; !strings.Contains(out, "from a child") {
		t.Errorf("show says nothing of it:\n%s", out)
	}
	d.tell("a", "STOPPING=1")
	d.detail("a", "is stopping by itself: from a child")
}

func TestWatchdogThatStops(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "READY=1", "ready = \"notify\"\nwatchdog = \"500ms\""))
	pid := d.up("a")[0]
	if len(d.noted("a", "WATCHDOG_USEC=500000")) != 1 {
		t.Error("the service was not told of its watchdog")
	}
	// Under a lock nothing follows, however long it hangs.
	d.ctl("maintenance", "start", "a")
	d.tell("a", "hangs")
	if e := d.waitEvent("a", "service.watchdog"); e.Fields["under"] != "lock" {
		t.Errorf("%+v", e)
	}
	never(t, "it is acted on under a lock", calm, func() string {
		if s := d.status("a"); s.PID != pid || s.State != "up" {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	if r := d.ctl("maintenance", "end", "a", "--force"); r.Code != 0 {
		t.Fatal(r)
	}
	d.waitStarts("a", 2)
	if len(d.noted("a", "SIGABRT")) != 1 {
		t.Errorf("it was ended otherwise: %v", notes(t, d.path("a.log")))
	}
	d.up("a")
	if s := d.status("a"); s.Restarts != 1 {
		t.Errorf("restarts %d", s.Restarts)
	}
	// It says itself that it is out of order.
	d.tell("a", "WATCHDOG=trigger")
	d.waitStarts("a", 3)
	d.up("a")
	// And it may turn the watchdog off.
	d.tell("a", "WATCHDOG_USEC=0")
	d.tell("a", "hangs")
	never(t, "it is ended although it has no watchdog", calm, func() string {
		if n := len(d.starts("a")); n != 3 {
			return fmt.Sprint(n, " starts")
		}
		return ""
	})
}

// The watchdog goes on across supd's death.
func TestWatchdogOfAnAdoptedService(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "READY=1", "ready = \"notify\"\nwatchdog = \"500ms\""))
	pid := d.up("a")[0]
	d.kill9()
	d.start()
	if now := d.up("a")[0]; now != pid {
		t.Fatalf("pid %d, was %d", now, pid)
	}
	d.tell("a", "STATUS=heard again")
	d.detail("a", "heard again")
	d.tell("a", "hangs")
	d.waitStarts("a", 2)
	d.up("a")
}

func TestReloadThatSaysWhenItIsDone(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "READY=1", "ready = \"notify\"\non_reload = \"notify:HUP\"\nready_timeout = \"20s\""))
	d.up("a")
	end := d.ctlAsync("reload", "a")
	d.detail("a", "is reloading")
	select {
	case r := <-end:
		t.Fatalf("reload ended before the service was done: %+v", r)
	default:
	}
	d.tell("a", "READY=1")
	if r := d.finish(end); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	d.detail("a", "ready")
}

func TestMainPidMoves(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "READY=1", "ready = \"notify\"")+talking("b", "READY=1", "ready = \"notify\""))
	old := d.up("a", "b")
	// Not to a stranger, nor to another service's process.
	d.tell("a", fmt.Sprintf("MAINPID=%d", os.Getpid()))
	d.tell("a", fmt.Sprintf("MAINPID=%d", old[1]))
	d.tell("a", "MAINPID=1")
	if e := d.waitEvent("a", "service.notify_ignored"); e.Fields["reason"] != "main_pid" {
		t.Errorf("%+v", e)
	}
	if s := d.status("a"); s.PID != old[0] {
		t.Fatalf("the main process is now %d", s.PID)
	}
	// To its child; the end of the first process is not the service's.
	d.tell("a", "fork")
	starts := d.waitStarts("a", 2)
	eventually(t, "the child is the main process", func() string {
		if s := d.status("a"); s.PID != starts[1].PID || s.State != "up" {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	d.unchanged("its main process has moved", "a", "b")
	// The child is what is watched now, by the next supd too.
	d.kill9()
	d.start()
	if now := d.up("a")[0]; now != starts[1].PID {
		t.Fatalf("the next supd watches %d", now)
	}
	syscall.Kill(starts[1].PID, syscall.SIGKILL)
	d.waitStarts("a", 3)
	d.up("a")
}

func TestNotifiesForAnotherService(t *testing.T) {
	t.Parallel()
	d := started(t, quick+talking("a", "", "ready = \"notify\"\nready_timeout = \"5m\"")+talking("b", "READY=1", "ready = \"notify\""))
	d.up("b")
	d.tell("b", "socket "+d.path("run/notify/a.sock")+" READY=1\nSTATUS=lies")
	say(d.path("run/notify/a.sock"), "READY=1\nMAINPID="+strconv.Itoa(os.Getpid()))
	if e := d.waitEvent("a", "service.notify_ignored"); e.Fields["reason"] != "stranger" {
		t.Errorf("%+v", e)
	}
	if s := d.status("a"); s.State != "starting" || s.Detail == "lies" {
		t.Errorf("a stranger was believed: %+v", s)
	}
	// Nonsense and what is too long hurt nobody.
	d.tell("a", "FDSTORE=1\n=\n==\x00")
	d.tell("a", "STATUS="+strings.Repeat("x", 1<<17))
	d.tell("a", "READY=1\nSTATUS=at last")
	d.detail("a", "at last")
}

// Debian's own sender, as services of shell scripts use it.
func TestSystemdNotify(t *testing.T) {
	t.Parallel()
	script := "systemd-notify --ready --status='from a script'; exec sleep 1000"
	d := started(t, quick+fmt.Sprintf("\n[service.a]\ncommand = [\"sh\", \"-c\", %q]\ndir = \"$DIR\"\nready = \"notify\"\n", script))
	d.detail("a", "from a script")
	if s := d.status("a"); s.State != "up" {
		t.Errorf("%+v", s)
	}
}

// Redis tells when it has loaded its data.
func TestRedisSupervisedBySystemd(t *testing.T) {
	t.Parallel()
	d := started(t, quick+"\n[service.redis]\ncommand = [\"redis-server\", \"--port\", \"0\", \"--unixsocket\", \"$DIR/redis.sock\", \"--supervised\", \"systemd\", \"--save\", \"\"]\ndir = \"$DIR\"\nready = \"notify\"\n")
	d.up("redis")
	d.detail("redis", "Ready to accept connections")
}

package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answerer is a service that answers everybody who connects to the sockets it was given with its pid. At a TERM it
// answers whom it has accepted, and nobody else.
func answerer(args []string) int {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || n == 0 {
		fmt.Fprintln(os.Stderr, "these sockets are not mine:", os.Getenv("LISTEN_PID"), n)
		return 1
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	ended := make(chan struct{})
	var all []interface{ SetDeadline(time.Time) error }
	for fd := 3; fd < 3+n; fd++ {
		l, err := net.FileListener(os.NewFile(uintptr(fd), "socket"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if l, ok := l.(*net.UnixListener); ok {
			l.SetUnlinkOnClose(false)
		}
		all = append(all, l.(interface{ SetDeadline(time.Time) error }))
		go func() {
			defer func() { ended <- struct{}{} }()
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(c, os.Getpid())
				c.Close()
			}
		}()
	}
	write(args[0], "start")
	write(args[0], "names "+os.Getenv("LISTEN_FDNAMES"))
	<-term
	for _, l := range all {
		l.SetDeadline(time.Now())
		<-ended
	}
	return 0
}

// listening is the config of an answerer.
func listening(name, listen, more string) string {
	return fmt.Sprintf("\n[service.%s]\ncommand = [%q, \"answerer\", \"$DIR/%s.log\"]\nready = \"delay:1ms\"\nlisten = %s\n%s\n", name, programs.self, name, listen, more)
}

// ask gives what is answered at an address.
func ask(network, address string) (string, error) {
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(c)
	if err == nil && len(b) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return string(b), err
}

// answers asks until stop is called, which gives the first failure.
func answers(network, address string) (stop func() (asked int, err error)) {
	over, end := make(chan struct{}), make(chan error, 1)
	n := 0
	go func() {
		for {
			select {
			case <-over:
				end <- nil
				return
			default:
			}
			if _, err := ask(network, address); err != nil {
				end <- err
				return
			}
			n++
		}
	}()
	return func() (int, error) {
		close(over)
		err := <-end
		return n, err
	}
}

func wantsAnswer(t *testing.T, network, address string, pid int) {
	t.Helper()
	if got, err := ask(network, address); err != nil || got != strconv.Itoa(pid) {
		t.Fatalf("%s:%s answers %q, %v; want pid %d", network, address, got, err, pid)
	}
}

func wantsRefusal(t *testing.T, network, address string) {
	t.Helper()
	if got, err := ask(network, address); err == nil {
		t.Fatalf("%s:%s answers %q; want it refused", network, address, got)
	}
}

// Restarts, and an upgrade of supd in the middle of them: who connects waits a moment, and nobody is refused.
func TestListenRequestsDuringARestart(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := newDaemon(t, quick+listening("web", `["tcp:`+port+`", "unix:$DIR/web.sock"]`, ""))
	replace := d.ownProgram()
	d.start()
	d.up("web")
	tcp, unix := answers("tcp", port), answers("unix", d.path("web.sock"))
	_, number, _ := net.SplitHostPort(port)
	restarted := func(n int) { // it has come so far that it notes what it was given
		eventually(t, fmt.Sprint(n, " instances have noted their sockets"), func() string {
			return wantsCount(n, d.noted("web", "names tcp-"+number+":unix-web.sock"))
		})
	}
	restarted(1)
	for n := range 3 {
		d.ctl("restart", "web").wants(t, 0)
		restarted(n + 2)
	}
	before := d.version()
	replace(d.binary())
	d.signal(syscall.SIGUSR2)
	eventually(t, "the new program answers", func() string {
		if v, err := d.tryVersion(); err != nil || !v.StartedAt.After(before.StartedAt) {
			return "the old one, or none"
		}
		return ""
	})
	d.ctl("restart", "web").wants(t, 0)
	restarted(5)
	for name, stop := range map[string]func() (int, error){"tcp": tcp, "unix": unix} {
		if n, err := stop(); err != nil || n == 0 {
			t.Errorf("%s: %v after %d answers", name, err, n)
		}
	}
	d.waitStarts("web", 5)
}

// wantsCount says how many there are if they are not n.
func wantsCount(n int, all []note) string {
	if len(all) != n {
		return fmt.Sprint("there are ", len(all))
	}
	return ""
}

// supd is killed: the next one has the sockets of the running service again, and the service's end refuses nobody.
func TestListenAfterSupdsDeath(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := started(t, quick+listening("web", `["unix:$DIR/web.sock", "tcp:`+port+`"]`, "[service.web.restart]\nbackoff = { first = \"1s\" }\n"))
	d.up("web")
	d.kill9()
	d.start()
	pid := d.up("web")[0]
	wantsAnswer(t, "tcp", port, pid)
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "backoff")
	for _, at := range [][2]string{{"tcp", port}, {"unix", d.path("web.sock")}} {
		got, err := ask(at[0], at[1]) // waits for the next one
		if err != nil || got == strconv.Itoa(pid) {
			t.Errorf("%v: %q, %v", at, got, err)
		}
	}
	// Dead together with its supd, it leaves the file of its socket behind: nobody's, and replaced.
	d.kill9()
	if err := syscall.Kill(d.lastPID("web"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.start()
	wantsAnswer(t, "unix", d.path("web.sock"), d.up("web")[0])
}

// A stopped service refuses, and its address is free for somebody else; a lock without --stop keeps it open.
func TestListenStopCloses(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := started(t, quick+listening("web", `["tcp:`+port+`", "unix:$DIR/web.sock"]`,
		"[service.web.maintenance]\nmust_be_free = [\"tcp:"+port+"\", \"unix:$DIR/web.sock\"]\n")+
		listening("idle", `["unix:$DIR/idle.sock"]`, "autostart = false\n"))
	pid := d.up("web")[0]
	wantsRefusal(t, "unix", d.path("idle.sock"))
	d.ctl("stop", "web").wants(t, 0)
	wantsRefusal(t, "tcp", port)
	if _, err := os.Lstat(d.path("web.sock")); !os.IsNotExist(err) {
		t.Errorf("the file of the closed socket: %v", err)
	}
	d.ctl("start", "web").wants(t, 0)
	d.ctl("maintenance", "start", "web").wants(t, 0)
	wantsAnswer(t, "tcp", port, d.up("web")[0])
	d.ctl("maintenance", "end", "web").wants(t, 0)
	d.ctl("maintenance", "start", "web", "--stop").wants(t, 0)
	wantsRefusal(t, "tcp", port)
	d.ctl("maintenance", "end", "web", "--start").wants(t, 0)
	wantsAnswer(t, "tcp", port, d.up("web")[0])

	// Somebody stops it by himself: it is held, and nobody would answer.
	if pid == d.up("web")[0] {
		t.Fatal("it was never restarted")
	}
	d.shoot("web", syscall.SIGTERM)
	d.waitHold("web", "operator-stop")
	eventually(t, "a refusal", func() string { got, _ := ask("tcp", port); return got })
}

// A stop while it waits to be started again closes as well.
func TestListenStopInBackoff(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := started(t, quick+listening("web", `["tcp:`+port+`"]`, "[service.web.restart]\nbackoff = { first = \"1h\", max = \"1h\" }\n"))
	d.up("web")
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "backoff")
	c, err := net.Dial("tcp", port)
	if err != nil {
		t.Fatalf("in its back-off: %v", err)
	}
	c.Close()
	d.ctl("maintenance", "start", "web", "--stop").wants(t, 0)
	wantsRefusal(t, "tcp", port)
}

// The reason of a start that fails names the address, and who has it.
func TestListenAddressInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().String()
	d := started(t, quick+listening("web", `["unix:$DIR/web.sock", "tcp:`+port+`"]`, "autostart = false\n")+
		listening("file", `["unix:$DIR/precious"]`, "autostart = false\n"))
	d.ctl("start", "web").wants(t, 1, "tcp:"+port, fmt.Sprintf("pid %d (", os.Getpid()))
	wantsRefusal(t, "unix", d.path("web.sock"))
	if err := os.WriteFile(d.path("precious"), []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.ctl("start", "file").wants(t, 1, "precious", "no socket")
	if b, _ := os.ReadFile(d.path("precious")); string(b) != "data" {
		t.Errorf("the file in the way now has %q", b)
	}
	l.Close()
	d.ctl("start", "web").wants(t, 0)
}

// Changed addresses wait for a restart; those of a removed service are closed with it.
func TestListenChangesAreOpenedByARestart(t *testing.T) {
	t.Parallel()
	one, two := freePort(t), freePort(t)
	d := started(t, quick+listening("web", `["tcp:`+one+`"]`, ""))
	pid := d.up("web")[0]
	d.config(quick + listening("web", `["tcp:`+two+`"]`, ""))
	d.ctl("reload").wants(t, 0, "restart needed")
	wantsAnswer(t, "tcp", one, pid)
	wantsRefusal(t, "tcp", two)
	d.ctl("reload", "--apply").wants(t, 0)
	wantsAnswer(t, "tcp", two, d.up("web")[0])
	wantsRefusal(t, "tcp", one)
	d.config(quick)
	d.ctl("reload").wants(t, 0)
	if _, err := ask("tcp", two); err != nil {
		t.Fatalf("it is removed, and still runs: %v", err)
	}
	d.ctl("reload", "--apply").wants(t, 0)
	wantsRefusal(t, "tcp", two)
}

// Another user's service has its unix socket to itself and its group; nothing else has the descriptors.
func TestListenBelongsToItsUser(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := newDaemon(t, "")
	uid := d.userDir("run-web", "nobody")
	d.config(quick + listening("web", `["unix:$DIR/run-web/x.sock"]`, "log = \"none\"\nuser = \"nobody\"\npost_start = [[\"/bin/sh\", \"-c\", \"ls -l /proc/self/fd | grep -c socket: > $DIR/run-web/seen; true\"]]\n"+""))
	if err := os.WriteFile(d.path("web.log"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	os.Chmod(d.path("web.log"), 0o666)
	d.start()
	d.up("web")
	st, err := os.Stat(d.path("run-web/x.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if sys := st.Sys().(*syscall.Stat_t); int(sys.Uid) != uid || st.Mode().Perm() != 0o660 {
		t.Errorf("uid %d, mode %o; want uid %d, mode 660", sys.Uid, st.Mode().Perm(), uid)
	}
	if seen, err := os.ReadFile(d.path("run-web/seen")); err != nil || strings.TrimSpace(string(seen)) != "0" {
		t.Errorf("a hook has %q sockets, %v", seen, err)
	}
}

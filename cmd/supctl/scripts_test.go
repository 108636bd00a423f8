package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/where"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// The kernel lets a process set its login uid from its main thread only: init
// runs there, and what is locked to a thread stays.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"supctl": main, "aslogin": asLogin, "asnobody": asNobody})
}

// asLogin runs supctl as if by somebody who logged in as that uid: aslogin UID
// ARGS…. Only root may do that, and a process only once.
func asLogin() {
	if err := os.WriteFile("/proc/self/loginuid", []byte(os.Args[1]), 0); err != nil {
		os.Stderr.WriteString("aslogin: " + err.Error() + "\n")
		os.Exit(99)
	}
	os.Exit(run(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
}

// asNobody runs supctl under a uid without rights: asnobody UID ARGS….
func asNobody() {
	uid, err := strconv.Atoi(os.Args[1])
	if err == nil {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid))
	}
	if err != nil {
		os.Stderr.WriteString("asnobody: " + err.Error() + "\n")
		os.Exit(99)
	}
	os.Exit(run(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
}

// TestScripts runs the stories in testdata/script. Each has a state directory
// $STATE with a plan of the services db and web and the group front, a run
// directory $RUN that names it, and no daemon, unless it makes one.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setup,
		Condition: func(cond string) (bool, error) {
			return cond == "root" && os.Getuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "listen": listen, "daemon": daemon, "inflight": inFlight, "lockby": lockBy, "hold": hold, "process": process, "record": record,
			"mksock": mkSock, "dies": dies, "damage": damage, "daemon-in-xdg": daemonInXDG, "unprivileged": unprivileged,
		},
	})
}

func setup(env *testscript.Env) error {
	state, run := filepath.Join(env.WorkDir, "state"), filepath.Join(env.WorkDir, "run")
	env.Setenv("STATE", state)
	env.Setenv("RUN", run)
	env.Setenv("SUPD_SOCKET", filepath.Join(run, "supd.sock"))
	env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "xdg"))
	if err := os.Mkdir(run, 0o755); err != nil {
		return err
	}
	if err := where.WriteStateDir(run, state); err != nil {
		return err
	}
	if err := lockfile.Init(state, true); err != nil {
		return err
	}
	d, err := lockfile.Open(state, lockfile.Options{})
	if err != nil {
		return err
	}
	plan := lockfile.Plan{
		Services: map[string]lockfile.Identity{"db": {Command: "db"}, "web": {Command: "web"}},
		Groups:   map[string][]string{"front": {"web"}},
	}
	_, err = d.Reload(context.Background(), lockfile.ReloadRequest{
		Affected: []string{"db", "web"}, Build: func(map[string]error) lockfile.Plan { return plan }, Swap: func(lockfile.Plan) {},
	})
	return err
}

// exits CODE PROGRAM ARGS… runs a program that must exit with that very code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%v: exit code %s, want %s", args[1:], got, args[0])
	}
}

// listen makes the socket of a daemon that hangs: it takes connections and never
// says a word.
func listen(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("unix", ts.Getenv("SUPD_SOCKET"))
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}

// daemon makes a daemon that answers on the socket.
func daemon(ts *testscript.TestScript, _ bool, _ []string) {
	stop, err := (&fake{status: sampleStatus()}).serveOn(ts.Getenv("SUPD_SOCKET"))
	ts.Check(err)
	ts.Defer(stop)
}

// dies makes a daemon that takes a request on and dies before it has answered.
func dies(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("unix", ts.Getenv("SUPD_SOCKET"))
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 64<<10))
			c.Write([]byte("HTTP/1.0 200 OK\r\n\r\n{\"accepted\":true}\n{\"progress\":\"locking\"}\n"))
			c.Close()
		}
	}()
}

func open(ts *testscript.TestScript) *lockfile.Dir {
	d, err := lockfile.Open(ts.Getenv("STATE"), lockfile.Options{})
	ts.Check(err)
	return d
}

// inflight SERVICE begins an action and leaves it in flight until the script ends.
func inFlight(ts *testscript.TestScript, _ bool, args []string) {
	begun, over, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- open(ts).Do(context.Background(), lockfile.Request{Services: args[:1], Verb: lockfile.VerbStop}, func(*lockfile.Permit) error {
			close(begun)
			<-over
			return nil
		})
	}()
	select {
	case <-begun:
	case err := <-done:
		ts.Fatalf("the action did not begin: %v", err)
	}
	ts.Defer(func() { close(over); <-done })
}

// lockby NAME UID SESSION TARGET ID makes somebody else's lock.
func lockBy(ts *testscript.TestScript, _ bool, args []string) {
	t, err := lockfile.ParseTarget(args[3])
	ts.Check(err)
	uid := int64(0)
	for _, c := range args[1] {
		uid = uid*10 + int64(c-'0')
	}
	_, err = open(ts).Lock(context.Background(), lockfile.LockRequest{IDs: []string{args[4]}, Targets: []lockfile.Target{t}, Reason: "vacuum\x1b[31m",
		Owner: lockfile.Owner{Name: args[0], UID: 0, LoginUID: uid, Session: args[2], TTY: "pts/9"}})
	ts.Check(err)
}

// hold SERVICE makes an operator stop.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	_, err := open(ts).AddHold(args[0], lockfile.HoldSpec{Kind: lockfile.HoldOperatorStop, By: "bob"})
	ts.Check(err)
}

// process SERVICE has the service's note name a living process: this one.
func process(ts *testscript.TestScript, _ bool, args []string) {
	boot, err := proc.BootID()
	ts.Check(err)
	start, err := proc.StartTime(os.Getpid())
	ts.Check(err)
	ts.Check(proc.Notes{Dir: filepath.Join(ts.Getenv("RUN"), "proc")}.Write(proc.Note{Service: args[0], Process: proc.Identity{BootID: boot, PID: os.Getpid(), StartTime: start}}))
}

// record puts an event and a check's result into the journal, and closes it.
func record(ts *testscript.TestScript, _ bool, _ []string) {
	j := journal.Open(journal.Options{Path: filepath.Join(ts.Getenv("STATE"), "journal.db")})
	j.Append(journal.Event{Type: "service.crashed", Service: "db", Severity: journal.Error, Text: "killed by SIGSEGV"})
	j.CheckDone("db", "query", journal.CheckResult{Time: time.Now(), State: "failing", Detail: "no answer"})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ts.Check(j.Flush(ctx))
	ts.Check(j.Close())
}

// mksock leaves a socket behind that nobody listens on.
func mkSock(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: ts.Getenv("SUPD_SOCKET")})
	ts.Check(err)
	l.SetUnlinkOnClose(false)
	ts.Check(l.Close())
}

// damage overwrites every lock file of db with garbage.
func damage(ts *testscript.TestScript, _ bool, _ []string) {
	files, err := filepath.Glob(ts.Getenv("STATE") + "/locks/service/db/*.toml")
	ts.Check(err)
	for _, f := range files {
		ts.Check(os.WriteFile(f, []byte("\x00garbage"), 0o644))
	}
}

// daemon-in-xdg makes a daemon that has to be found, and serves $STATE.
func daemonInXDG(ts *testscript.TestScript, _ bool, _ []string) {
	dir := filepath.Join(ts.Getenv("XDG_RUNTIME_DIR"), "supd")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(where.WriteStateDir(dir, ts.Getenv("STATE")))
	stop, err := (&fake{status: sampleStatus()}).serveOn(where.Socket(dir))
	ts.Check(err)
	ts.Defer(stop)
}

// nobody is a uid without rights.
const nobody = "65534"

// unprivileged CODE PROGRAM ARGS… is exits, as nobody.
func unprivileged(ts *testscript.TestScript, neg bool, args []string) {
	for dir := ts.Getenv("WORK"); dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755)) // for nobody to come as far as the state directory
	}
	exits(ts, neg, append([]string{args[0], "asnobody", nobody}, args[2:]...))
}

// The scripts' lock tests lean on it: who supctl takes itself for is the kernel's word.
func TestSelfIsKnown(t *testing.T) {
	if me, err := who.Self(); err != nil || me.Name == "" {
		t.Fatalf("%+v, %v", me, err)
	}
}

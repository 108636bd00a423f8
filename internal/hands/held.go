package hands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// execFailure is what a held child reports when it could not become the program.
// Nothing reported means that it did.
type execFailure struct {
	Step  string        `json:"step"`
	Errno syscall.Errno `json:"errno"`
}

func (f *execFailure) Error() string {
	if f.Errno == 0 {
		return f.Step
	}
	return f.Step + ": " + f.Errno.Error()
}
func (f *execFailure) Unwrap() error { return f.Errno }

// given are the descriptors that a program gets.
type given struct {
	stdio   [3]*os.File
	sockets []int // from fdListen on
}

// startHeld forks a child that waits until commit has written down who it is, and then
// executes x under the same pid. If supd dies before, or commit fails, the child exits
// without having done anything.
func startHeld(t *proc.Table, exe, service string, x execOrder, files given, g *proc.Cgroup, commit func(proc.Identity) error) (*proc.Process, error) {
	orderR, orderW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	reportR, reportW, err := os.Pipe()
	if err != nil {
		closeAll(orderR, orderW)
		return nil, err
	}
	defer reportR.Close()
	// The sockets stand where the program expects them, so nothing has to be moved under
	// a running runtime; orders and report come after.
	fds := []uintptr{files.stdio[0].Fd(), files.stdio[1].Fd(), files.stdio[2].Fd()}
	for _, fd := range files.sockets {
		fds = append(fds, uintptr(fd))
	}
	x.Sockets = len(files.sockets)
	p, err := t.Start(proc.Attr{
		Path: exe, Argv: []string{"supd", helperWord, kindHeld, service, strconv.Itoa(x.Sockets)}, Dir: "/", Env: helperEnv(),
		Files:  append(fds, orderR.Fd(), reportW.Fd()),
		Cgroup: g,
	})
	closeAll(orderR, reportW)
	if err != nil {
		orderW.Close()
		return nil, err
	}
	err = commit(p.Identity())
	if err == nil {
		err = send(orderW, x)
	}
	orderW.Close()
	if err == nil {
		var f execFailure
		switch e := json.NewDecoder(reportR).Decode(&f); {
		case e == nil:
			err = &f
		case !errors.Is(e, io.EOF):
			err = e
		}
	}
	if err != nil {
		// It exits by itself: it has read the end of the orders or its exec has failed.
		// Not left as a zombie with a name.
		<-p.Done()
		return nil, err
	}
	return p, nil
}

// helperEnv keeps a helper's start short: no garbage collection for a few kilobytes.
func helperEnv() []string { return []string{"GOGC=off", "GOMAXPROCS=2"} }

// beHeld is the child's side. It returns only if it did not become the program.
// sockets is how many descriptors of its program come before its orders.
func beHeld(sockets string) {
	// Nice and the descriptor table's owner are the thread's own; exec keeps those of
	// the thread that calls it.
	runtime.LockOSThread()
	closeInherited()
	n, err := strconv.Atoi(sockets)
	if err != nil {
		return
	}
	var x execOrder
	if err := receiveOrder(n+fdOrders, &x); err != nil {
		return
	}
	f := x.become()
	report := os.NewFile(uintptr(n+fdReport), "report")
	_ = send(report, f) // supd may be dead; then nobody asks
}

// become prepares this process as x says and executes. What needs root comes before the
// user is changed.
func (x *execOrder) become() *execFailure {
	fail := func(step string, err error) *execFailure {
		f := &execFailure{Step: step}
		errors.As(err, &f.Errno)
		return f
	}
	if x.OOM != nil {
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte(strconv.Itoa(*x.OOM)), 0); err != nil {
			return fail(fmt.Sprintf("cannot set oom_score_adj = %d", *x.OOM), err)
		}
	}
	if x.Nice != nil {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, *x.Nice); err != nil {
			return fail(fmt.Sprintf("cannot set nice = %d", *x.Nice), err)
		}
	}
	for _, l := range x.lastRlimits() {
		if err := l.Set(); err != nil {
			return &execFailure{Step: err.Error()}
		}
	}
	if x.Umask != nil {
		unix.Umask(int(*x.Umask))
	}
	if x.User != nil {
		if err := switchUser(x.User); err != nil {
			return fail("cannot become user "+strconv.Quote(x.User.Name), err)
		}
	}
	if err := unix.Chdir(x.Dir); err != nil {
		return fail("cannot enter the working directory", err)
	}
	if x.Sockets > 0 {
		x.Env = append(x.Env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	}
	for fd := fdListen; fd < fdListen+x.Sockets; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fail("cannot hand on its sockets", err)
		}
	}
	return fail("cannot execute", syscall.Exec(x.Path, x.Argv, x.Env))
}

func switchUser(u *proc.User) error {
	if unix.Geteuid() == 0 {
		groups := make([]int, len(u.Groups))
		for i, g := range u.Groups {
			groups[i] = int(g)
		}
		if err := syscall.Setgroups(groups); err != nil {
			return err
		}
	}
	if err := syscall.Setgid(int(u.GID)); err != nil {
		return err
	}
	return syscall.Setuid(int(u.UID))
}

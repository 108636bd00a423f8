package storm

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// daemon is the storm's supd: directories that stay, and a process that comes and goes.
type daemon struct {
	t        *testing.T
	dir      string
	facts    *facts
	mu       sync.Mutex // guards cmd
	cmd      *exec.Cmd
	gone     chan struct{} // closed when cmd was reaped
	expected atomic.Bool   // the storm ends it: its death is no fault of its own
	starts   int
}

func newDaemon(t *testing.T, dir string, f *facts) *daemon { return &daemon{t: t, dir: dir, facts: f} }

// start runs supd; it does not wait until it answers.
func (d *daemon) start() error {
	log, err := os.OpenFile(filepath.Join(d.dir, "supd.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	at := func(name string) string { return filepath.Join(d.dir, name) }
	cmd := exec.Command(programs.supd, "--config", at("supd.toml"), "--state-dir", at("state"), "--run-dir", at("run"))
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, d.dir
	if err := cmd.Start(); err != nil {
		return err
	}
	d.starts++
	d.expected.Store(false)
	gone := make(chan struct{})
	d.mu.Lock()
	d.cmd, d.gone = cmd, gone
	d.mu.Unlock()
	go func() {
		err := cmd.Wait()
		if !d.expected.Load() {
			d.facts.violated(violation{at: now(), rule: "ALIVE", text: fmt.Sprintf("supd ended by itself: %v", err)})
		}
		close(gone)
	}()
	return nil
}

// process is the supd that runs, or ran last.
func (d *daemon) process() *os.Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process
}

func (d *daemon) signal(s syscall.Signal) {
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		d.expected.Store(true)
	}
	d.cmd.Process.Signal(s)
}

// end sends a signal that ends supd and waits for the end.
func (d *daemon) end(s syscall.Signal) {
	d.signal(s)
	select {
	case <-d.gone:
	case <-time.After(hungAfter):
		d.facts.violated(violation{at: now(), rule: "HANG", text: fmt.Sprintf("supd does not end of %s", s)})
		d.cmd.Process.Signal(syscall.SIGQUIT) // its log tells where it is
		select {
		case <-d.gone:
		case <-time.After(hungAfter):
			d.signal(syscall.SIGKILL)
		}
		<-d.gone
	}
}

// argv is a supctl command for this supd. Answers are JSON.
func (d *daemon) argv(args ...string) []string { return d.argvAt(supdSocket, args...) }

// argvAt is the same by another socket.
func (d *daemon) argvAt(socket string, args ...string) []string {
	at := func(name string) string { return filepath.Join(d.dir, name) }
	return append([]string{programs.supctl, "--socket", at(socket), "--state-dir", at("state"), "--config", at("supd.toml"), "-o", "json"}, args...)
}

// ctl runs supctl as whoever runs the test.
func (d *daemon) ctl(args ...string) ending { return job{Argv: d.argv(args...)}.run() }

// service is what status says of one.
type service struct {
	Name, State, Want, Detail string
	Orphaned                  bool
	Holds                     []struct{ Kind, By, Reason string }
}

// up says whether it is as it should be when it is wanted.
func (s service) up() bool { return s.State == "up" || isJob(s.Name) && s.State == "done" }

func (d *daemon) status() (map[string]service, error) {
	e := d.ctl("status")
	var reply struct{ Services []service }
	if err := json.Unmarshal([]byte(e.Out), &reply); err != nil {
		return nil, fmt.Errorf("status: exit code %d: %s", e.Code, e.Err)
	}
	all := map[string]service{}
	for _, s := range reply.Services {
		all[s.Name] = s
	}
	return all, nil
}

// log is everything supd wrote.
func (d *daemon) log() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "supd.log"))
	return string(text)
}

// helpers are the processes that work for this supd, or for its predecessors, behind a gate.
func (d *daemon) helpers() (pids []int) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		exe, err := os.Readlink(p + "/exe")
		if err != nil || exe != programs.supd {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(p))
		text, _ := os.ReadFile(p + "/cmdline")
		// supd itself is run with flags; a helper's first word is another.
		if argv := strings.Split(string(text), "\x00"); pid > 0 && len(argv) > 1 && !strings.HasPrefix(argv[1], "--") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// eventually waits until cond says "", and gives what it said last.
func eventually(ctx context.Context, within time.Duration, cond func() string) string {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		missing := cond()
		if missing == "" || !pause(ctx, 50*time.Millisecond) {
			return missing
		}
	}
}

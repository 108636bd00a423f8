package lockfile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests that need another process run this test binary again: kill -9, SIGSTOP and inherited descriptors are only real between processes.

// job is what such a child is told to do.
type job struct {
	Mode    string // see childMain
	Path    string // state directory
	Service string
	IDs     []string
	NewID   string
	Target  string
	Owner   Owner
	Verb    Verb
	Phase   string
	PID     int    // recorded as target or script
	As      string // "target", "script", "shim": what PID is recorded as
	KillAt  int    // SIGKILL oneself before the nth disk operation; 0: never
	Leave   bool   // end --leave-stopped
}

const childEnv = "LOCKFILE_TEST_JOB"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		var j job
		if err := json.Unmarshal([]byte(spec), &j); err != nil {
			panic(err)
		}
		childMain(j)
	}
	os.Exit(m.Run())
}

// childMain does one thing, says a word on stdout when it got there, and waits for stdin to close where it is to stay.
func childMain(j job) {
	if j.Mode == "sleep" {
		say("up")
		wait()
		os.Exit(0)
	}
	if j.Mode == "helper" { // has the gate as descriptor 3
		h, err := OpenInherited(3, j.Path, j.Service)
		if err == nil {
			err = h.Update(func(r *Record) { r.Shim = selfProc(); r.Phase = "helping" })
		}
		say("helper %v", err)
		unix.Pause() // until it is killed
	}
	d, err := Open(j.Path, Options{})
	if err != nil {
		say("%v", err)
		os.Exit(1)
	}
	d.killAt(j.KillAt)
	ctx := context.Background()
	switch j.Mode {
	case "act": // stays inside the action
		err = d.Do(ctx, auto(d, j.Verb, j.Service), func(p *Permit) error {
			if err := p.Update(func(r *Record) { j.record(r) }); err != nil {
				return err
			}
			say("acting")
			wait()
			return nil
		})
	case "act-helper": // gives the gate to a helper and waits with it
		err = d.Do(ctx, auto(d, j.Verb, j.Service), func(p *Permit) error {
			say("helper pid %d", startHelper(p, j))
			wait()
			return nil
		})
	case "stand-in-gate": // a supctl that is stopped while it looks
		g, err := d.take(ctx, j.Service, unix.LOCK_SH, gateWait{until: time.Now().Add(5 * time.Second)})
		say("gate %v", err)
		wait()
		g.release()
	case "own-turn": // a supctl that is stopped while it looks for its own lock
		t, _ := ParseTarget(j.Target)
		d.ownTurn(ctx, j.Owner, t)
		say("in turn")
		wait()
	case "lock":
		t, _ := ParseTarget(j.Target)
		_, err = d.Lock(ctx, LockRequest{IDs: j.IDs, Targets: []Target{t}, Owner: j.Owner, Wait: 5 * time.Second})
	case "end":
		_, err = d.End(ctx, EndRequest{IDs: j.IDs, Owner: j.Owner, LeaveStopped: j.Leave, Force: !j.Leave})
	case "break":
		_, err = d.Break(ctx, BreakRequest{ID: j.IDs[0], NewID: j.NewID, Owner: j.Owner})
	case "accept":
		_, err = d.Accept(ctx, AcceptRequest{IDs: j.IDs, NewIDs: []string{j.NewID}, Owner: j.Owner})
	case "offer":
		_, err = d.Offer(ctx, OfferRequest{Seen: map[string]int{j.IDs[0]: 0}, Owner: j.Owner, Heir: offerTo(cat())})
	}
	say("done %v", err)
	os.Exit(0)
}

func (j job) record(r *Record) {
	p := Proc{PID: j.PID}
	st, _ := procStat(j.PID)
	p.Start = st.start
	switch j.As {
	case "target":
		r.Target, r.TermSent = p, true
	case "script":
		r.Script = p
	case "shim":
		r.Shim = p
	}
	if j.Phase != "" {
		r.Phase = j.Phase
	}
}

// killAt makes the nth disk operation from now the last thing that this process begins.
func (d *Dir) killAt(n int) {
	if n == 0 {
		return
	}
	count := 0
	d.disk.hook = func(string, string) error {
		if count++; count == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
}

func startHelper(p *Permit, j job) int {
	j.Mode = "helper"
	spec, _ := json.Marshal(j)
	r, w, _ := os.Pipe()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	cmd.ExtraFiles = []*os.File{p.File()}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	line, _ := bufio.NewReader(r).ReadString('\n')
	if !strings.HasPrefix(line, "helper <nil>") {
		panic(line)
	}
	return cmd.Process.Pid
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func wait() { io.Copy(io.Discard, os.Stdin) }

// child is a running child of the test.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t testing.TB, j job) *child {
	t.Helper()
	spec, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command("/proc/self/exe")}
	c.cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	c.cmd.Stderr = os.Stderr
	c.in, _ = c.cmd.StdinPipe()
	out, _ := c.cmd.StdoutPipe()
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	return c
}

// hear waits for the child's next word; "" if it ended without one.
func (c *child) hear() string {
	line, _ := c.out.ReadString('\n')
	return strings.TrimSpace(line)
}

// expect fails unless the child's next word is this.
func (c *child) expect(word string) {
	c.t.Helper()
	if got := c.hear(); got != word {
		c.t.Fatalf("child said %q, want %q", got, word)
	}
}

// kill is kill -9, and the end of it.
func (c *child) kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	c.cmd.Process.Signal(syscall.SIGCONT)
	c.cmd.Wait()
}

// finish lets the child go on to its end.
func (c *child) finish() {
	c.in.Close()
	c.cmd.Wait()
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// sleeper is a process that lives until it is killed: a service, a script.
func sleeper(t testing.TB) *child {
	c := start(t, job{Mode: "sleep"})
	c.expect("up")
	return c
}

// oplog remembers the disk operations of a Dir.
type oplog struct{ ops []string }

// record begins a log, as that of a process that begins now: nothing is known to be durable.
func record(d *Dir) *oplog {
	l := &oplog{}
	d.anchored.set = nil
	d.disk.hook = func(op, path string) error {
		l.ops = append(l.ops, op+" "+strings.TrimPrefix(path, d.path))
		return nil
	}
	return l
}

// last is the index of the last operation with this text, -1 if there is none.
func (l *oplog) last(op string) int {
	for i := len(l.ops) - 1; i >= 0; i-- {
		if l.ops[i] == op {
			return i
		}
	}
	return -1
}

// durable says whether an entry that was made in this log would be there after a power loss at its end: its directory fsynced after
// the entry, and every parent up to the state directory after what it holds of the way there, at least once.
func (l *oplog) durable(path string) error {
	at := max(l.last("rename "+path), l.last("link "+path))
	if at < 0 {
		return fmt.Errorf("%s was never made", path)
	}
	for dir := path[:strings.LastIndex(path, "/")]; ; dir = dir[:strings.LastIndex(dir, "/")] {
		if l.last("fsync "+dir) < at {
			return fmt.Errorf("%s: no fsync of %q after it was made", path, dir)
		}
		at = max(0, l.last("mkdir "+dir))
		if dir == "" {
			return nil
		}
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/api"
)

// terminal is a pseudo-terminal: supctl runs on one end, the test sits at the
// other, reads what is shown and types.
type terminal struct {
	t     *testing.T
	keys  *os.File // the test's end
	tty   *os.File // supctl's end
	shown chan []byte
	seen  bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, keys: keys, tty: tty, shown: make(chan []byte, 64)}
	go func() {
		defer close(term.shown)
		for {
			b := make([]byte, 4096)
			n, err := keys.Read(b)
			if n > 0 {
				term.shown <- b[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { tty.Close(); keys.Close() })
	return term
}

// expect reads until text was shown.
func (m *terminal) expect(text string) {
	m.t.Helper()
	deadline := time.After(10 * time.Second)
	for !strings.Contains(m.seen.String(), text) {
		select {
		case b := <-m.shown:
			m.seen.Write(b)
		case <-deadline:
			m.t.Fatalf("%q was not shown: %q", text, m.seen.String())
		}
	}
}

func (m *terminal) typeLine(text string) {
	m.t.Helper()
	if _, err := m.keys.WriteString(text + "\n"); err != nil {
		m.t.Fatal(err)
	}
}

// run runs supctl on the terminal; the channel gives its exit code.
func (m *terminal) run(socket string, args ...string) <-chan int {
	done := make(chan int, 1)
	go func() { done <- run(append([]string{"--socket", socket}, args...), m.tty, m.tty, m.tty) }()
	return done
}

func (m *terminal) exits(done <-chan int, want int) {
	m.t.Helper()
	select {
	case got := <-done:
		if got != want {
			m.t.Errorf("exit code %d, want %d; shown: %q", got, want, m.seen.String())
		}
	case <-time.After(10 * time.Second):
		m.t.Fatalf("still running; shown: %q", m.seen.String())
	}
}

// The lock comes first; then what policy misses is asked, and the same lock gets it.
func TestTerminalIsAskedForAMissingReason(t *testing.T) {
	var ids []string
	f := &fake{start: func(_ context.Context, m api.MaintenanceStart, _ api.Progress) (api.MaintenanceReply, error) {
		ids = append(ids, m.Locks[0].ID)
		r := api.MaintenanceReply{Locks: []api.Lock{{ID: m.Locks[0].ID, Target: "db", Owner: "anna", Reason: m.Reason}}}
		if m.Reason == "" {
			r.Code, r.NotReady, r.Missing = api.CodeNotReady, []string{"a reason is required"}, []string{"reason"}
		}
		return r, nil
	}}
	m := newTerminal(t)
	done := m.run(f.serve(t), "maintenance", "start", "db")
	m.expect("locked; policy wants a reason: ")
	m.typeLine("new disk")
	m.expect("LOCKED db")
	m.expect("new disk")
	m.exits(done, 0)
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("asked for locks %q, want one twice", ids)
	}
}

// Who types nothing has a lock that is not ready.
func TestTerminalReasonRefused(t *testing.T) {
	f := &fake{start: func(_ context.Context, m api.MaintenanceStart, _ api.Progress) (api.MaintenanceReply, error) {
		return api.MaintenanceReply{Code: api.CodeNotReady, NotReady: []string{"a reason is required"}, Missing: []string{"reason"},
			Locks: []api.Lock{{ID: m.Locks[0].ID, Target: "db"}}}, nil
	}}
	m := newTerminal(t)
	done := m.run(f.serve(t), "maintenance", "start", "db")
	m.expect("policy wants a reason: ")
	m.typeLine("")
	m.expect("LOCKED, NOT READY db")
	m.exits(done, 7)
}

func TestTerminalProgressIsOneLine(t *testing.T) {
	f := &fake{act: func(_ context.Context, _ api.Action, p api.Progress) (api.ActionReply, error) {
		p("waiting for db")
		p("waiting for the check of db\x1b]0;x\a")
		return api.ActionReply{Results: []api.ActionResult{{Service: "db", Text: "started"}}}, nil
	}}
	m := newTerminal(t)
	done := m.run(f.serve(t), "start", "db")
	m.expect("db: started")
	m.exits(done, 0)
	shown := m.seen.String()
	if !strings.Contains(shown, eraseLine+"waiting for db …"+eraseLine) || !strings.Contains(shown, `\x1b]0;x\x07 …`+eraseLine+"db: started") {
		t.Errorf("shown %q", shown)
	}
	if strings.Count(shown, "\n") != 1 {
		t.Errorf("more than the answer stays on the terminal: %q", shown)
	}
}

func TestTerminalColours(t *testing.T) {
	f := &fake{status: sampleStatus()}
	socket := f.serve(t)
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	m := newTerminal(t)
	done := m.run(socket, "status")
	m.expect("supd on ")
	m.exits(done, 0)
	if !strings.Contains(m.seen.String(), string(green)+"up"+unpaint) {
		t.Errorf("no colours on a terminal: %q", m.seen.String())
	}
	for _, args := range [][]string{{"status", "--no-color"}, {"status"}} {
		m := newTerminal(t)
		done := m.run(socket, args...)
		m.expect("supd on ")
		m.exits(done, 0)
		if strings.Contains(m.seen.String(), "\x1b") {
			t.Errorf("%v with NO_COLOR %q is coloured", args, os.Getenv("NO_COLOR"))
		}
		t.Setenv("NO_COLOR", "1")
	}
}

// --watch redraws in place, and goes on when the daemon goes away.
func TestWatch(t *testing.T) {
	f := &fake{status: sampleStatus()}
	path := t.TempDir() + "/supd.sock"
	stop, err := f.serveOn(path)
	if err != nil {
		t.Fatal(err)
	}
	m := newTerminal(t)
	ctx, cancel := context.WithCancel(context.Background())
	a := newApp(nil, m.tty, m.tty, m.tty)
	a.flags.socket, a.flags.output = path, outputTable
	done := make(chan error, 1)
	go func() { done <- a.watchStatus(ctx, nil, 5*time.Millisecond) }()
	m.expect(clearScreen + cursorHome)
	m.expect("web")
	stop()
	m.expect("cannot show status: cannot reach supd")
	m.seen.Reset()
	if stop, err = f.serveOn(path); err != nil {
		t.Fatal(err)
	}
	defer stop()
	m.expect("HOLD")
	cancel()
	if err := <-done; err != nil {
		t.Errorf("watch ended with %v", err)
	}
}

package tell

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/await"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// sitterEnv makes the test binary a person at a terminal: it takes the login uid, says so, and waits for the end of its
// standard input.
const sitterEnv = "SUPD_TELL_TEST_LOGINUID"

// The kernel lets a process set its login uid from its main thread only: init
// runs there, and what is locked to a thread stays.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	login, sitter := os.LookupEnv(sitterEnv)
	if !sitter {
		os.Exit(m.Run())
	}
	if login != "" {
		if err := os.WriteFile("/proc/self/loginuid", []byte(login), 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Println("sits")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// terminal is a pseudo-terminal with the end that a screen is.
type terminal struct {
	t      *testing.T
	screen *os.File
	tty    *os.File
	shown  bytes.Buffer
}

// newTerminal belongs to uid and takes messages.
func newTerminal(t *testing.T, uid int) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &terminal{t: t, screen: os.NewFile(uintptr(fd), "ptmx")}
	if m.tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.tty.Close(); m.screen.Close() })
	if err := errors.Join(m.tty.Chmod(0o620), m.tty.Chown(uid, -1)); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *terminal) name() string { return strings.TrimPrefix(m.tty.Name(), "/dev/") }

// sit puts a person there and gives them as the owner of a lock.
func (m *terminal) sit(login string) lockfile.Owner {
	m.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sitterEnv+"="+login)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{m.tty}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if _, err := cmd.StdinPipe(); err != nil {
		m.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := fmt.Fscan(out, new(string)); err != nil {
		m.t.Fatal(err)
	}
	o, err := who.Of(cmd.Process.Pid)
	if err != nil {
		m.t.Fatal(err)
	}
	return o
}

// sees waits until the screen shows text.
func (m *terminal) sees(text string) {
	m.t.Helper()
	await.Eventually(m.t, "the terminal shows "+text, func() bool { return strings.Contains(m.look(), text) })
}

// look is all that was shown so far.
func (m *terminal) look() string {
	b := make([]byte, 4096)
	_ = m.screen.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	for {
		n, err := m.screen.Read(b)
		m.shown.Write(b[:n])
		if err != nil {
			return m.shown.String()
		}
	}
}

func asRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: sets login uids")
	}
}

func TestOwnerSeesALine(t *testing.T) {
	asRoot(t)
	m := newTerminal(t, 4711)
	told, err := Owner(m.sit("4711"), "db came up\x1b[2J\nfake: \u202egnp")
	if err != nil || len(told) != 1 || told[0] != m.name() {
		t.Fatal(told, err)
	}
	m.sees(`: db came up\x1b[2J\nfake: \u202egnp` + "\r")
	if strings.ContainsAny(m.look(), "\x1b\u202e") {
		t.Errorf("what a terminal acts on arrives: %q", m.look())
	}
}

// sudo's own terminal, or a second window of the same login: all of the session's are told.
func TestEveryTerminalOfTheSession(t *testing.T) {
	asRoot(t)
	m := newTerminal(t, 4711)
	o := m.sit("4711")
	o.TTY = "pts/987654" // where the command ran, gone since
	if told, err := Owner(o, "hello"); err != nil || len(told) != 1 || told[0] != m.name() {
		t.Error(told, err)
	}
}

func TestWithoutALogin(t *testing.T) {
	if who, err := who.Self(); err != nil || who.LoginUID != lockfile.NoLogin {
		t.Skip("needs a test that runs outside of any login", err)
	}
	m := newTerminal(t, os.Geteuid())
	o := m.sit("")
	if told, err := Owner(o, "hello"); err != nil || len(told) != 1 {
		t.Error(told, err)
	}
	o.TTY = "pts/987654"
	if told, err := Owner(o, "hello"); err == nil || len(told) != 0 {
		t.Error("a terminal that nothing ties to the owner was written to:", told)
	}
}

func TestNobodyElseIsTold(t *testing.T) {
	asRoot(t)
	m := newTerminal(t, 4711)
	o := m.sit("4711")
	for what, other := range map[string]lockfile.Owner{
		"another session": {UID: 0, LoginUID: 4711, Session: o.Session + "9", TTY: m.name()},
		"another person":  {UID: 0, LoginUID: 4712, Session: o.Session, TTY: m.name()},
		"no login":        {UID: 0, LoginUID: lockfile.NoLogin, TTY: m.name()},
	} {
		if told, err := Owner(other, "hello"); len(told) != 0 || !errors.Is(err, errNoSeat) {
			t.Errorf("%s: told %v, %v", what, told, err)
		}
	}
	// A container of the session has terminals of its own with the same numbers: the device says whose it is.
	if err := m.tty.Chown(4712, -1); err != nil {
		t.Fatal(err)
	}
	if told, err := Owner(o, "hello"); len(told) != 0 || !errors.Is(err, errNotHis) {
		t.Errorf("told %v, %v", told, err)
	}
	if m.look() != "" {
		t.Errorf("it shows %q", m.look())
	}
}

func TestMesgN(t *testing.T) {
	asRoot(t)
	m := newTerminal(t, 4711)
	o := m.sit("4711")
	if err := m.tty.Chmod(0o600); err != nil {
		t.Fatal(err)
	}
	if told, err := Owner(o, "hello"); len(told) != 0 || !errors.Is(err, errMesg) {
		t.Errorf("told %v, %v", told, err)
	}
}

// Somebody pressed ctrl-S, or nobody reads the other end any more.
func TestATerminalThatHangs(t *testing.T) {
	asRoot(t)
	m := newTerminal(t, 4711)
	o := m.sit("4711")
	if err := unix.IoctlSetInt(int(m.tty.Fd()), unix.TCXONC, unix.TCOOFF); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for err == nil { // until its buffer is full
			_, err = Owner(o, strings.Repeat("x", lineBytesMax))
		}
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, errCutShort) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for the terminal")
	}
}

func TestALineIsShort(t *testing.T) {
	if l := line(strings.Repeat("ü", 2*lineBytesMax), time.Now()); len(l) > lineBytesMax+60 {
		t.Errorf("%d bytes", len(l))
	}
}

package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// screen is a pseudo-terminal that somebody logs in at; the test sees what it shows.
type screen struct {
	tty *os.File
	end *os.File // the test's

	mu    sync.Mutex
	shown strings.Builder
	fd    int // end's
}

// newScreen belongs to uid, as after login(1), and takes messages.
func newScreen(t *testing.T, uid int) *screen {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) // or hangUp would wait for the reader below
	if err != nil {
		t.Fatal(err)
	}
	end := os.NewFile(uintptr(fd), "/dev/ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &screen{end: end, fd: fd}
	if m.tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.tty.Chmod(0o620), m.tty.Chown(uid, -1)); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := end.Read(b)
			m.mu.Lock()
			m.shown.Write(b[:n])
			m.mu.Unlock()
			if err != nil {
				return // the last who had the terminal is gone
			}
		}
	}()
	t.Cleanup(func() { m.tty.Close(); end.Close() })
	return m
}

// types sends keys.
func (m *screen) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := m.end.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// hangUp is a connection that breaks: whoever sits there is sent SIGHUP.
func (m *screen) hangUp() { m.end.Close() }

// text is what was shown so far.
func (m *screen) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown.String()
}

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// wallClock is one timer of CLOCK_REALTIME (timerfd_create(2)). Go's own timers run by the monotonic clock, and know nothing of
// a clock that is set or of the time that a machine slept.
type wallClock struct {
	f    *os.File
	conn interface {
		Control(func(fd uintptr)) error
	}
}

func newWallClock() (*wallClock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot make a timer of the wall clock: %w", err)
	}
	w := &wallClock{f: os.NewFile(uintptr(fd), "timerfd")}
	if w.conn, err = w.f.SyscallConn(); err != nil {
		w.f.Close()
		return nil, err
	}
	return w, nil
}

// set arms the timer for one time, or for none at all if that is zero. One in the past is now.
func (w *wallClock) set(at time.Time) error {
	var spec unix.ItimerSpec
	if !at.IsZero() {
		spec.Value = unix.NsecToTimespec(max(at.UnixNano(), 1)) // zero would disarm it
	}
	var err error
	if cerr := w.conn.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	}); cerr != nil {
		return cerr
	}
	if errors.Is(err, unix.ECANCELED) { // it is armed all the same, and the clock was set just before
		return nil
	}
	return err
}

// wait returns when the time has come, or when the clock was set; false once the timer is closed.
func (w *wallClock) wait() bool {
	var n [8]byte
	_, err := w.f.Read(n[:])
	return err == nil || errors.Is(err, unix.ECANCELED)
}

func (w *wallClock) close() { w.f.Close() }

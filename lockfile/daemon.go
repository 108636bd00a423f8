package lockfile

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// DaemonLock is the right to be the one supd of a state directory. It ends with the process.
type DaemonLock struct{ f *os.File }

// File is the descriptor that carries the right, close-on-exec; an upgrade in place clears that
// flag and passes it on.
func (l *DaemonLock) File() *os.File { return l.f }

// daemonWait is how long a starting daemon waits for a dying one. A child that one forked just
// before may keep the lock until its exec.
const daemonWait = 5 * time.Second

// daemonRetry is the pause between two attempts.
const daemonRetry = 50 * time.Millisecond

// LockDaemon makes the caller the one supd of this directory, waiting up to five seconds for a
// dying one, or until ctx ends. Error: *SecondDaemonError naming the first's pid.
func (d *Dir) LockDaemon(ctx context.Context) (*DaemonLock, error) {
	path := d.path + "/supd.lock"
	fd, err := openFD(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err == unix.EROFS { // flock needs no more than a descriptor: a supd that can act on nothing still watches
		fd, err = openFD(path, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	end := time.NewTimer(daemonWait)
	defer end.Stop()
	for {
		err := again(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
		if err == nil {
			return d.AdoptDaemonLock(f)
		}
		if err != unix.EWOULDBLOCK {
			f.Close()
			return nil, fmt.Errorf("cannot lock %q: %w", path, err)
		}
		select {
		case <-time.After(daemonRetry):
		case <-end.C:
			err := &SecondDaemonError{Path: d.path, PID: daemonPID(path)}
			f.Close()
			return nil, err
		case <-ctx.Done():
			err := &SecondDaemonError{Path: d.path, PID: daemonPID(path), Early: ctx.Err()}
			f.Close()
			return nil, err
		}
	}
}

// AdoptDaemonLock takes over the right from the program that was executed in this process
// before (upgrade in place).
func (d *Dir) AdoptDaemonLock(f *os.File) (*DaemonLock, error) {
	unix.CloseOnExec(int(f.Fd()))
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { // ours already, unless f is something else
		return nil, fmt.Errorf("cannot lock %q: %w", f.Name(), err)
	}
	// The pid is for people; a full disk does not matter.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &DaemonLock{f}, nil
}

// daemonPID is who wrote supd.lock last; 0 if that cannot be read. For the message only: the flock
// decides.
func daemonPID(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

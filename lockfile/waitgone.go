package lockfile

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// waitGone waits until a living action's process ends, or until the time is over (false). After
// true the caller looks again: there may be another process of the same action. A unit job has
// no descriptor to wait on; it is looked at every progressEvery.
func waitGone(ctx context.Context, r *Record, until time.Time, tell func()) bool {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	tell()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	ended := make(chan struct{})
	for _, p := range []Proc{r.Shim, r.Script, r.Target} {
		if p == r.Target && !r.TermSent || !p.Alive() {
			continue
		}
		go func() {
			if waitExit(ctx, p) {
				close(ended)
			}
		}()
		for {
			select {
			case <-ended:
				return true
			case <-ctx.Done():
				return false
			case <-tick.C:
				if !p.Alive() { // no descriptor could be had for it
					return true
				}
				tell()
			}
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-tick.C:
		return true
	}
}

// waitExit waits for the end of a process through its pidfd on the runtime's poller: no thread,
// no polling. False: ctx ended first.
func waitExit(ctx context.Context, p Proc) bool {
	fd, err := unix.PidfdOpen(p.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return err == unix.ESRCH
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close()
	if !p.Alive() { // looked at after the descriptor was had, so that it is this process's
		return true
	}
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = conn.Read(func(fd uintptr) bool {
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0
	})
	return err == nil
}

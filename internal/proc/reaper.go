package proc

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// reapAfter is how long a zombie may wait that nobody asks for. To find it the kernel goes through all children, and nothing
// can be forked meanwhile: that is not done between the end of a service and its next start, nor for each of a thousand ends.
const reapAfter = 50 * time.Millisecond

// ReapOrphans makes supd the parent of its descendants' orphans (unless it is PID 1 and
// so already is) and reaps them from now on. To be called after everything of an
// earlier life has been opened: an unknown zombie is an orphan, and its status is
// dropped. From then on every child has to be started through this table.
func (t *Table) ReapOrphans() error {
	if os.Getpid() != 1 {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("cannot become the parent of orphans: %w", err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reaper != nil || t.closed {
		return nil
	}
	t.reaper = make(chan os.Signal, 1)
	signal.Notify(t.reaper, unix.SIGCHLD)
	t.reaper <- unix.SIGCHLD // what is there already
	go func(c chan os.Signal) {
		for range c {
			time.Sleep(reapAfter)
			t.reapOrphans()
		}
	}(t.reaper)
	return nil
}

func stopReaper(c chan os.Signal) {
	signal.Stop(c)
	close(c)
}

// reapOrphans takes every zombie that is nobody's. It looks without taking (WNOWAIT)
// first: one that somebody waits for goes to its owner.
func (t *Table) reapOrphans() {
	for {
		pid, _, err := waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG)
		if err != nil || pid == 0 {
			return
		}
		t.mu.Lock()
		owner := t.children[pid]
		if owner == nil {
			if t.forking > 0 {
				// Perhaps a child that its starter has not entered yet.
				t.reapDue = true
				t.mu.Unlock()
				return
			}
			// Under t.mu: no fork can begin, die and have its status taken here.
			var ws unix.WaitStatus
			for {
				if _, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil); !errors.Is(err, unix.EINTR) {
					break
				}
			}
			t.mu.Unlock()
			continue
		}
		t.mu.Unlock()
		// The kernel shows the first zombie again and again: it has to go before the
		// next is seen.
		owner.reap()
	}
}

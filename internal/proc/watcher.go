package proc

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// eventsMax is how many events one look at the epoll descriptor takes.
const eventsMax = 128

// watcher tells of many descriptors with one goroutine and no thread. What is watched is known by a serial number: that of
// a descriptor may come back while its last event is still in the batch.
type watcher struct {
	epoll *os.File // on Go's netpoller itself: no thread waits in it
	fd    int      // its number; File.Fd would take it off the netpoller
	done  chan struct{}
}

// newWatcher makes one that tells nothing before start.
func newWatcher(of string) (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make an epoll descriptor: %w", err)
	}
	// Non-blocking makes os.NewFile put it on the netpoller, which wakes one goroutine for all.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot set up the epoll descriptor: %w", err)
	}
	return &watcher{epoll: os.NewFile(uintptr(fd), "epoll of "+of), fd: fd, done: make(chan struct{})}, nil
}

// start has told called for each event from now on, one at a time. Called once; on an error the watcher is closed.
func (w *watcher) start(told func(serial uint64, events uint32)) error {
	raw, err := w.epoll.SyscallConn()
	if err != nil {
		w.epoll.Close()
		return fmt.Errorf("cannot wait for events: %w", err)
	}
	go func() {
		defer close(w.done)
		events := make([]unix.EpollEvent, eventsMax)
		for {
			n := 0
			err := raw.Read(func(fd uintptr) bool {
				var err error
				n, err = unix.EpollWait(int(fd), events, 0)
				return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
			})
			if err != nil {
				return // closed
			}
			for i := range max(n, 0) {
				told(serialOf(&events[i]), events[i].Events)
			}
		}
	}()
	return nil
}

// close returns when told is not called any more. Not from told.
func (w *watcher) close() error {
	err := w.epoll.Close()
	<-w.done
	return err
}

// add begins to watch a descriptor for events; it leaves when it is closed.
func (w *watcher) add(fd int, serial uint64, events uint32) error {
	ev := eventFor(serial, events)
	return unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, fd, &ev)
}

// change watches a descriptor for other events.
func (w *watcher) change(fd int, serial uint64, events uint32) error {
	ev := eventFor(serial, events)
	return unix.EpollCtl(w.fd, unix.EPOLL_CTL_MOD, fd, &ev)
}

// The 64 bits that epoll hands back are split over two fields in Go's struct.
func eventFor(serial uint64, events uint32) unix.EpollEvent {
	return unix.EpollEvent{Events: events, Fd: int32(uint32(serial)), Pad: int32(uint32(serial >> 32))}
}

func serialOf(e *unix.EpollEvent) uint64 {
	return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
}

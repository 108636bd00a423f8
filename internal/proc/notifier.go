package proc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Notifier receives the notifications of all services: a socket for each, so that what
// floods its own disturbs nobody else's, and one goroutine for all of them. Safe for
// concurrent use.
type Notifier struct {
	epoll *os.File // on Go's netpoller: no thread waits in it
	epfd  int
	done  chan struct{}

	mu      sync.Mutex
	serial  uint64
	sockets map[uint64]*NotifySocket // by serial: a descriptor's number may come back within a batch of events
}

// NewNotifier makes one with its goroutine.
func NewNotifier() (*Notifier, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make an epoll descriptor: %w", err)
	}
	h := &Notifier{epoll: os.NewFile(uintptr(fd), "epoll of notifications"), epfd: fd, done: make(chan struct{}), sockets: map[uint64]*NotifySocket{}}
	raw, err := h.epoll.SyscallConn()
	if err != nil {
		h.epoll.Close()
		return nil, fmt.Errorf("cannot wait for notifications: %w", err)
	}
	go h.loop(raw)
	return h, nil
}

// Close ends the goroutine. The sockets are closed by who opened them.
func (h *Notifier) Close() error {
	err := h.epoll.Close()
	<-h.done
	return err
}

func (h *Notifier) loop(raw syscall.RawConn) {
	defer close(h.done)
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
			if s := h.find(serialOf(&events[i])); s != nil {
				s.read(messagesAtOnce)
			}
		}
	}
}

func (h *Notifier) find(serial uint64) *NotifySocket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sockets[serial]
}

func (h *Notifier) insert(s *NotifySocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serial++
	s.serial = h.serial
	h.sockets[s.serial] = s
}

func (h *Notifier) remove(s *NotifySocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, s.serial)
}

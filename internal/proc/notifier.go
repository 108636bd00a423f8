package proc

import (
	"fmt"
	"sync"
)

// Notifier receives the notifications of all services: a socket for each, so that what
// floods its own disturbs nobody else's, and one goroutine for all of them. Safe for
// concurrent use.
type Notifier struct {
	arrivals *watcher

	mu      sync.Mutex
	serial  uint64
	sockets map[uint64]*NotifySocket // by serial: a descriptor's number may come back within a batch of events
}

// NewNotifier makes one with its goroutine.
func NewNotifier() (*Notifier, error) {
	arrivals, err := newWatcher("notifications")
	if err != nil {
		return nil, err
	}
	h := &Notifier{arrivals: arrivals, sockets: map[uint64]*NotifySocket{}}
	err = arrivals.start(func(serial uint64, _ uint32) {
		if s := h.find(serial); s != nil {
			s.read(messagesAtOnce)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot wait for notifications: %w", err)
	}
	return h, nil
}

// Close ends the goroutine. The sockets are closed by who opened them.
func (h *Notifier) Close() error { return h.arrivals.close() }

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

package proc

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// eventsMax is how many exits one look at the epoll descriptor takes.
const eventsMax = 128

// Table holds every process that supd started or adopted, and tells when one ends. Safe
// for concurrent use.
type Table struct {
	bootID string
	epoll  *os.File // on Go's netpoller itself: no thread waits in it
	epfd   int      // its number; File.Fd would take it off the netpoller
	done   chan struct{}

	mu       sync.Mutex
	serial   uint64
	watched  map[uint64]*Process // by serial: a descriptor's number may come back while its last event is still in the batch
	children map[int]*Process    // by pid: what the reaper must leave alone
	forking  int                 // forks begun whose child is not in children yet
	reapDue  bool                // the reaper met an unknown zombie while a fork was under way
	reaper   chan os.Signal
	closed   bool
}

// firstOwnFD is where descriptors begin that no child may have.
const firstOwnFD = 3

// NewTable makes a table with its one goroutine. Orphans are left alone until
// ReapOrphans. From here on no child gets a descriptor that supd itself inherited (all
// but the first three are closed at its exec), and no ignored signal.
func NewTable() (*Table, error) {
	defaultSignals()
	// Go opens everything close-on-exec; what the shell or the service manager left
	// open is not. Kernels before 5.11 cannot: then it stays.
	_ = unix.CloseRange(firstOwnFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make an epoll descriptor: %w", err)
	}
	// Non-blocking makes os.NewFile put it on the netpoller, which wakes one goroutine
	// for all processes.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot set up the epoll descriptor: %w", err)
	}
	t := &Table{
		bootID:   boot,
		epfd:     fd,
		epoll:    os.NewFile(uintptr(fd), "epoll of processes"),
		done:     make(chan struct{}),
		watched:  map[uint64]*Process{},
		children: map[int]*Process{},
	}
	raw, err := t.epoll.SyscallConn()
	if err != nil {
		t.epoll.Close()
		return nil, fmt.Errorf("cannot watch processes: %w", err)
	}
	go t.loop(raw)
	return t, nil
}

// Close stops watching. Processes live on, and exits are told no more.
func (t *Table) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	stop := t.reaper
	t.mu.Unlock()
	if stop != nil {
		stopReaper(stop)
	}
	err := t.epoll.Close()
	<-t.done
	return err
}

// BootID is the boot that all identities of this table are of.
func (t *Table) BootID() string { return t.bootID }

// Len is the number of living processes in the table.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.watched)
}

func (t *Table) loop(raw syscall.RawConn) {
	defer close(t.done)
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
			if p := t.find(serialOf(&events[i])); p != nil {
				p.ended(events[i].Events)
			}
		}
	}
}

func (t *Table) find(serial uint64) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watched[serial]
}

// insert registers p and arms its pidfd. From here on its exit is told.
func (t *Table) insert(p *Process) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errors.New("cannot watch a process: the table is closed")
	}
	t.serial++
	p.serial = t.serial
	ev := eventFor(p.serial, unix.EPOLLIN)
	if err := unix.EpollCtl(t.epfd, unix.EPOLL_CTL_ADD, p.fd, &ev); err != nil {
		return fmt.Errorf("cannot watch %s: %w", p.id, err)
	}
	t.watched[p.serial] = p
	if p.child {
		t.children[p.id.PID] = p
	}
	return nil
}

// remove forgets p. Its pidfd leaves the epoll set when it is closed, which is the
// caller's next step.
func (t *Table) remove(p *Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watched, p.serial)
	if t.children[p.id.PID] == p {
		delete(t.children, p.id.PID)
	}
}

// The 64 bits that epoll hands back are split over two fields in Go's struct.
func eventFor(serial uint64, events uint32) unix.EpollEvent {
	return unix.EpollEvent{Events: events, Fd: int32(uint32(serial)), Pad: int32(uint32(serial >> 32))}
}

func serialOf(e *unix.EpollEvent) uint64 {
	return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
}

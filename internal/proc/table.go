package proc

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Table holds every process that supd started or adopted, and tells when one ends. Safe
// for concurrent use.
type Table struct {
	bootID string
	exits  *watcher
	forker *forker // nil where there cannot be one: then any thread forks

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
	exits, err := newWatcher("processes")
	if err != nil {
		return nil, err
	}
	t := &Table{
		bootID:   boot,
		exits:    exits,
		watched:  map[uint64]*Process{},
		children: map[int]*Process{},
	}
	err = exits.start(func(serial uint64, events uint32) {
		if p := t.find(serial); p != nil {
			p.ended(events)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot watch processes: %w", err)
	}
	if f, err := newForker(runtime.GOMAXPROCS(0), exits.fd); err == nil {
		t.forker = f
	}
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
	if t.forker != nil {
		t.forker.close()
	}
	return t.exits.close()
}

// BootID is the boot that all identities of this table are of.
func (t *Table) BootID() string { return t.bootID }

// Len is the number of living processes in the table.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.watched)
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
	if err := t.exits.add(p.fd, p.serial, unix.EPOLLIN); err != nil {
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

package proc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Process is one process under a pidfd. Safe for concurrent use.
type Process struct {
	table     *Table
	id        Identity
	serial    uint64
	child     bool // supd is its parent
	killGroup bool

	mu    sync.Mutex
	fd    int // -1 once it has ended
	over  bool
	exit  Exit
	done  chan struct{} // made when somebody asks for it: 5,000 services do not
	after []func(Exit)
}

// Identity names it for good.
func (p *Process) Identity() Identity { return p.id }

// PID is only good for showing: act through the Process.
func (p *Process) PID() int { return p.id.PID }

// Child says whether supd is its parent, so that its exit status will be exact.
func (p *Process) Child() bool { return p.child }

// Done is closed after the exit is known.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
		if p.over {
			close(p.done)
		}
	}
	return p.done
}

// Exit is how it ended; false while it runs.
func (p *Process) Exit() (Exit, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit, p.over
}

// Wait waits for its end, or for ctx.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.Done():
		e, _ := p.Exit()
		return e, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// OnExit calls f once: on the table's goroutine, or before it returns if the process
// has ended already. f must not block.
func (p *Process) OnExit(f func(Exit)) {
	p.mu.Lock()
	if !p.over {
		p.after = append(p.after, f)
		p.mu.Unlock()
		return
	}
	e := p.exit
	p.mu.Unlock()
	f(e)
}

// Alive asks the kernel: false for a zombie, true while any thread lives.
func (p *Process) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.over && pidfdAlive(p.fd)
}

// Signal sends through the pidfd. ErrGone if it has ended (a zombie too): never another
// process.
func (p *Process) Signal(sig unix.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || !pidfdAlive(p.fd) {
		return ErrGone
	}
	return pidfdSignal(p.fd, p.id, sig)
}

// SignalGroup sends to the process group it leads. Only for a child: its pid, and so
// the group's number, is its own until it has been reaped, which cannot happen while
// p.mu is held.
func (p *Process) SignalGroup(sig unix.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || !p.child {
		return ErrGone
	}
	if err := unix.Kill(-p.id.PID, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot signal process group %d: %w", p.id.PID, err)
	}
	return nil
}

// Forget stops watching a stranger. A child stays in the table until its exit, or
// nobody would reap it.
func (p *Process) Forget() {
	if p.child {
		return
	}
	p.table.remove(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.after = nil
		p.over = true
		unix.Close(p.fd)
		p.fd = -1
	}
}

// ended runs on the table's goroutine when the pidfd became readable: every thread is
// dead.
func (p *Process) ended(events uint32) {
	if p.child {
		p.reap()
		return
	}
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	exit, later := strangersExit(p.fd, p.id, events&unix.EPOLLHUP != 0)
	if later {
		// Its parent has not reaped it, and we may not look at the zombie. The hang-up
		// that follows is always told, asked for or not.
		err := p.table.exits.change(p.fd, p.serial, 0)
		if err == nil {
			p.mu.Unlock()
			return
		}
		// Not to be waited for, then: unknown, rather than a loop that spins on a
		// readable descriptor.
	}
	p.finish(exit)
}

// reap takes the status of a child that may have ended. Called by the loop and by the
// reaper; only one of them finds it.
func (p *Process) reap() {
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	if p.killGroup && !pidfdAlive(p.fd) {
		// The zombie still holds its number, so the group cannot be somebody else's.
		unix.Kill(-p.id.PID, unix.SIGKILL)
	}
	exit, ended := reapPidfd(p.fd)
	if !ended {
		p.mu.Unlock()
		return
	}
	p.finish(exit)
}

// finish settles the exit and tells it. p.mu must be held; it is released.
func (p *Process) finish(e Exit) {
	p.table.remove(p)
	unix.Close(p.fd)
	p.fd, p.over, p.exit = -1, true, e
	after := p.after
	p.after = nil
	if p.done != nil {
		close(p.done)
	}
	p.mu.Unlock()
	for _, f := range after {
		f(e)
	}
}

package lockfile

import (
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A gate is an open file description of gates/NAME with a flock on it. The file lies beside the
// locks, never under a run directory, and is never unlinked, renamed or replaced: two files
// would be two gates for one lock.
type gate struct {
	service string
	fd      int
	file    *os.File // made on demand, for a helper to inherit; then it owns fd
	slot    chan struct{}
}

// slots lets one goroutine of this process at a time ask the kernel for a gate. The others
// queue here in order, without a thread each.
type slots struct {
	mu sync.Mutex
	m  map[string]chan struct{}
}

// of is the slot of a gate: whoever has put something into it may ask the kernel. Slots are kept, as
// gates are; there is one for each name that ever acted.
func (s *slots) of(service string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.m[service]
	if c == nil {
		if s.m == nil {
			s.m = map[string]chan struct{}{}
		}
		c = make(chan struct{}, 1)
		s.m[service] = c
	}
	return c
}

// openGate opens or makes the file. Made without O_EXCL: two who come at once get the same file.
func openGate(k disk, path string) (int, error) {
	if err := k.enter("gate", path); err != nil {
		return -1, err
	}
	fd, err := openFD(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	return fd, k.done("open", path, err)
}

// gateWait says how long to wait for a gate, and whom to tell meanwhile.
type gateWait struct {
	until    time.Time
	progress func() // called when the wait begins, then every progressEvery; may be nil
}

// progressEvery is how often a waiting command looks whether what it waits for has changed.
const progressEvery = time.Second

// take flocks the gate of a service: how is LOCK_EX for actions and removals, LOCK_SH for those
// who only wait (so that a stopped supctl in the gate cannot keep others from locking).
// errGateTaken when the wait is over; the ctx's error when that ended first.
func (d *Dir) take(ctx context.Context, service string, how int, w gateWait) (*gate, error) {
	slot := d.slots.of(service)
	wait := &waiting{ctx: ctx, w: w}
	defer wait.stop()
	select {
	case slot <- struct{}{}:
	default:
		if err := wait.forSlot(slot); err != nil {
			return nil, err
		}
	}
	fd, err := openGate(d.disk, d.gatePath(service))
	if err != nil {
		<-slot
		return nil, err
	}
	g := &gate{service: service, fd: fd, slot: slot}
	err = again(func() error { return unix.Flock(fd, how|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK && !time.Now().Before(w.until) {
		g.close() // asked for a look, not for a wait: no thread is left behind in flock
		return nil, errGateTaken
	}
	if err == unix.EWOULDBLOCK {
		if err := wait.forFlock(g, how); err != nil {
			return nil, err
		}
		return g, nil
	}
	if err != nil {
		g.close()
		return nil, d.disk.done("flock", d.gatePath(service), err)
	}
	return g, nil
}

// errGateTaken: somebody else has the gate, and the wait is over.
var errGateTaken = unix.EWOULDBLOCK

// waiting makes its timers only once somebody really has to wait.
type waiting struct {
	ctx  context.Context
	w    gateWait
	end  *time.Timer
	tick *time.Ticker
}

func (t *waiting) start() {
	if t.end == nil {
		t.end = time.NewTimer(time.Until(t.w.until))
		t.tick = time.NewTicker(progressEvery)
		t.tell()
	}
}

func (t *waiting) tell() {
	if t.w.progress != nil {
		t.w.progress()
	}
}

func (t *waiting) stop() {
	if t.end != nil {
		t.end.Stop()
		t.tick.Stop()
	}
}

// forSlot waits for this process's own turn. Channels are fair, so nobody here waits for ever.
func (t *waiting) forSlot(slot chan struct{}) error {
	for t.start(); ; t.tell() {
		select {
		case slot <- struct{}{}:
			return nil
		case <-t.end.C:
			return errGateTaken
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-t.tick.C:
		}
	}
}

// forFlock blocks a thread in flock: there is no other way to be woken by the release. If the
// wait ends first, the thread stays behind until it has the gate, gives it back and frees the
// slot; so there is never more than one such thread per gate.
func (t *waiting) forFlock(g *gate, how int) error {
	got := make(chan error, 1)
	go func() { got <- again(func() error { return unix.Flock(g.fd, how) }) }()
	leave := func(err error) error {
		go func() {
			if <-got == nil {
				g.release()
			} else {
				g.close()
			}
		}()
		return err
	}
	for t.start(); ; t.tell() {
		select {
		case err := <-got:
			if err != nil {
				g.close()
			}
			return err
		case <-t.end.C:
			return leave(errGateTaken)
		case <-t.ctx.Done():
			return leave(t.ctx.Err())
		case <-t.tick.C:
		}
	}
}

// release opens the gate for everybody, also where a child forked elsewhere in this program
// still has a copy of the descriptor: closing alone would leave the gate shut until that
// child's exec.
func (g *gate) release() {
	_ = again(func() error { return unix.Flock(g.fd, unix.LOCK_UN) }) // fails only for a descriptor that is not open
	g.close()
}

// close lets go of the descriptor but not of the lock: whoever inherited it keeps the gate.
func (g *gate) close() {
	if g.file != nil {
		g.file.Close()
	} else {
		unix.Close(g.fd)
	}
	<-g.slot
}

// asFile is the descriptor as a file that os/exec can hand on.
func (g *gate) asFile() *os.File {
	if g.file == nil {
		g.file = os.NewFile(uintptr(g.fd), "gate of "+g.service)
	}
	return g.file
}

// takeAll flocks the gates of services, which are sorted: everybody takes them in name order,
// so nobody waits in a circle. On failure none is held, and the error says which one was in the
// way.
func (d *Dir) takeAll(ctx context.Context, services []string, how int, w gateWait) ([]*gate, string, error) {
	gates := make([]*gate, 0, len(services))
	for _, s := range services {
		g, err := d.take(ctx, s, how, w)
		if err != nil {
			releaseAll(gates)
			return nil, s, err
		}
		gates = append(gates, g)
	}
	return gates, "", nil
}

// releaseAll opens gates in whatever order: only taking has one.
func releaseAll(gates []*gate) {
	for _, g := range gates {
		g.release()
	}
}

package supervisor

import (
	"context"
	"errors"
	"time"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/stray"
)

const (
	strayScanEvery  = 30 * time.Second // of all processes, where the kernel tells of programs that begin
	strayPollEvery  = 2 * time.Second  // of all processes, where it does not
	strayPortsEvery = 5 * time.Second  // of the addresses that must be free
	// strayConfirm is how long what is only alike has to live: a version or a config was asked for, and that is over by then.
	strayConfirm = time.Second
	// strayCost keeps looks at addresses below this part of a processor, however often programs begin.
	strayCost = 50
	// execsMax bounds the news that wait for the watcher. When it is full, everything is looked at instead.
	execsMax = 1024
)

// portDelays are the looks at the addresses after a program began: it opens them when it has read its files.
func portDelays() []time.Duration {
	return []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second, 2 * time.Second}
}

// strayWatch looks for strays. All of it belongs to one goroutine.
type strayWatch struct {
	s       *Supervisor
	wants   map[string][]stray.Want // by program; rebuilt when locks or config change
	places  []place
	pending map[int]time.Time // pids that are alike, and when that counts

	execs    *proc.Execs // nil: the kernel does not tell
	began    chan int    // pids; 0: some were not told
	asked    bool        // for execs, since there is something to look for
	scanAt   time.Time
	portsAt  time.Time // zero: no address has to be free
	portStep int       // of portDelays

	portsFloor time.Time       // not before: looks have their price
	judged     map[string]bool // inodes of listening sockets whose holder is known
}

// watchStrays looks for what is started under a lock, until ctx ends. Without a lock that means a service to be down, it has
// no timer and listens to nothing.
func (s *Supervisor) watchStrays(ctx context.Context) {
	w := &strayWatch{s: s, pending: map[int]time.Time{}, judged: map[string]bool{}}
	defer w.rest()
	select {
	case <-s.ready: // the locks of every service are known from here on
	case <-ctx.Done():
		return
	}
	s.restoreStrays()
	for {
		w.begin()
		var wake <-chan time.Time
		if at := w.next(); !at.IsZero() {
			wake = time.After(time.Until(at))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.strays.changed:
			w.wants = nil
		case pid := <-w.began:
			w.exec(pid)
		case <-wake:
			w.due(time.Now())
		}
	}
}

// begin looks at everything when something has changed, and goes to rest when there is nothing to look for any more.
func (w *strayWatch) begin() {
	if w.wants != nil {
		return
	}
	ended := w.s.strays.takeEnded()
	names := w.s.strays.meantDown()
	w.wants, w.places = w.s.wantsOf(names)
	clear(w.judged)
	if len(names) == 0 {
		w.rest()
	} else {
		if !w.asked { // before the look at all: what begins in between is told, or seen, or both
			w.asked = true
			w.listen()
		}
		w.scan()
		w.ports()
	}
	for _, a := range ended {
		if w.s.strays.leaves(a) {
			w.s.strayOver(a, "it is gone")
		}
	}
	w.s.dropUnlocked()
}

// rest lets go of everything that costs.
func (w *strayWatch) rest() {
	if w.execs != nil {
		w.execs.Close()
	}
	w.execs, w.began, w.asked = nil, nil, false
	w.scanAt, w.portsAt = time.Time{}, time.Time{}
	clear(w.pending)
}

// listen has the kernel tell of programs that begin.
func (w *strayWatch) listen() {
	execs, err := proc.ListenExecs()
	if err != nil {
		w.s.log.Info("services that are meant to be down are looked for among all processes now and then", "every", strayPollEvery, "why", err)
		return
	}
	began := make(chan int, execsMax)
	w.execs, w.began = execs, began
	go func() {
		for {
			pid, err := execs.Next()
			if err != nil && !errors.Is(err, proc.ErrExecsLost) {
				return // closed
			}
			select {
			case began <- pid:
			default: // full: what waits is followed by a look at everything
				select {
				case <-began:
				default:
				}
				began <- 0
			}
		}
	}()
}

// next is when something is due; zero: nothing is.
func (w *strayWatch) next() time.Time {
	at := w.scanAt
	for _, t := range w.pending {
		at = sooner(at, t)
	}
	return sooner(at, w.portsAt)
}

// sooner takes zero for never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// exec looks at a program that has just begun.
func (w *strayWatch) exec(pid int) {
	if pid == 0 {
		w.scan()
		return
	}
	w.look(pid, false)
	if len(w.places) > 0 && (w.portStep > 0 || w.portsAt.IsZero()) {
		w.portStep = 0
		w.portsAt = later(sooner(w.portsAt, time.Now().Add(portDelays()[0])), w.portsFloor)
	}
}

// due does what it is time for.
func (w *strayWatch) due(now time.Time) {
	for pid, at := range w.pending {
		if !now.Before(at) {
			delete(w.pending, pid)
			w.look(pid, true)
		}
	}
	if !now.Before(w.scanAt) {
		w.scan()
	}
	if !w.portsAt.IsZero() && !now.Before(w.portsAt) {
		w.ports()
	}
}

// scan looks at every process.
func (w *strayWatch) scan() {
	every := strayScanEvery
	if w.execs == nil {
		every = strayPollEvery
	}
	// The wants first: a program may have been installed or replaced.
	w.wants, w.places = w.s.wantsOf(w.s.strays.meantDown())
	all, err := proc.All()
	if err != nil {
		w.s.log.Warn("cannot look for what is started under a lock", "err", err)
	}
	for _, st := range all {
		w.lookAt(st.PID, false, tickTime(st.StartTime))
	}
	w.scanAt = time.Now().Add(every)
}

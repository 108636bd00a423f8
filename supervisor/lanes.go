package supervisor

import (
	"sync"
	"time"
)

// lanes bound how many looks and effects run at the same time. When a thousand services crash at once, two processors do
// not get done sooner with a thousand workers: they only make threads, and memory for them.
//
// Nobody waits in a lane, but a moment for the host before a job begins (letOthers): who waits for somebody else (a gate, a helper, another service) leaves it first, and who was in
// it for laneMax is taken to wait for something that nobody thought of, like a file server that is gone. So a service
// that hangs delays no other.
type lanes struct {
	max      int
	busyHost func() bool // more runnable than the processors get done soon; nil: never asked

	mu      sync.Mutex
	busy    int
	waiting int // of them, for the host
	queue   []func(*lane)
	next    int // of queue
	slack   slack

	later   []func() // done when nothing is in the queue
	tidying bool     // later has waited long enough, and is not empty
}

// tidyAfter is how long what can wait waits for more to do: a service that has just been started has the processors.
const tidyAfter = 30 * time.Millisecond

// laneMax is longer than any spawn takes that does not wait for something.
const laneMax = 100 * time.Millisecond

// newLanes has enough for one to be at the disk or in a fork while others use the processors.
func newLanes(processors int) *lanes {
	host := newRunnable()
	return &lanes{max: LanesEach * processors, busyHost: func() bool { return host.more(runnableEach * processors) }}
}

// LanesEach is how many lanes there are for each processor.
const LanesEach = 2

// lane is the right of one job to run.
type lane struct {
	of   *lanes
	left bool // of.mu
}

// run has f run as soon as a lane is free, in the order of the calls. f gets its lane, to leave it before it waits.
func (l *lanes) run(f func(*lane)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, f)
	l.open()
}

// open starts workers for what waits. l.mu is held.
func (l *lanes) open() {
	for l.busy < l.max && l.next < len(l.queue) {
		l.busy++
		go l.work(l.take())
	}
	if l.tidying && l.busy == 0 { // one is enough for what nobody waits for
		l.busy++
		go l.work(l.take())
	}
}

// tidy has f run tidyAfter from now, when nobody else wants a lane.
func (l *lanes) tidy(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.later = append(l.later, f); len(l.later) == 1 {
		time.AfterFunc(tidyAfter, l.tidyNow)
	}
}

// tidyNow has what can wait run as soon as nobody else wants a lane: nothing more is to come.
func (l *lanes) tidyNow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidying = len(l.later) > 0
	l.open()
}

// take is the next job, nil if there is none. l.mu is held.
func (l *lanes) take() func(*lane) {
	if l.next == len(l.queue) {
		// Room for a mass crash is not kept for ever.
		l.queue, l.next = nil, 0
		if !l.tidying {
			return nil
		}
		f := l.later[0]
		if l.later = l.later[1:]; len(l.later) == 0 {
			l.later, l.tidying = nil, false
		}
		return func(*lane) { f() }
	}
	f := l.queue[l.next]
	l.queue[l.next] = nil
	l.next++
	return f
}

// work runs jobs, one after the other, until there is none or its lane is somebody else's.
func (l *lanes) work(f func(*lane)) {
	for f != nil {
		l.letOthers()
		ln := &lane{of: l}
		late := time.AfterFunc(laneMax, ln.leave)
		f(ln)
		late.Stop()
		l.mu.Lock()
		if ln.left {
			l.mu.Unlock()
			return
		}
		ln.left = true // the timer may be about to leave, and the lane is the next job's
		if f = l.take(); f == nil {
			l.leaveLocked()
		}
		l.mu.Unlock()
	}
}

func (l *lanes) leaveLocked() {
	if l.busy--; l.busy == 0 {
		l.slack.idle()
	}
}

// leave makes room for the next job. It may be called more than once, and by anybody.
func (ln *lane) leave() {
	l := ln.of
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ln.left {
		ln.left = true
		l.leaveLocked()
		l.open()
	}
}

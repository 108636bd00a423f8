package journal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a journal.
const (
	queueDefault = 4096 // events kept in memory: those that wait for the disk, and the newest ones
	closeWait    = 5 * time.Second
)

// keepDefault is what is kept unless Options say otherwise: about 30 MB.
var keepDefault = Keep{Age: 90 * 24 * time.Hour, Events: 100_000, Min: 1000} // never written to

// Options of a journal. Only Path is needed.
type Options struct {
	Path  string // STATE/journal.db; its directory must exist, or the journal works in memory
	Keep  Keep   // what is pruned; zero: 90 days, 100,000 events
	Queue int    // events that may wait for the disk; 0 = queueDefault

	// Present, if set, is asked before a file is made: its error is why none is, for now. Path's directory may be a mount point
	// whose file system has gone. Called from any goroutine.
	Present func() error

	// Tell, if set, is given each event that the journal makes about itself, as it is made, so that it is also told where
	// no journal is needed to read it. It is called with the journal locked: it must not block and not call back.
	Tell func(Event)

	Now      func() time.Time // nil: time.Now
	Boottime func() int64     // ns of CLOCK_BOOTTIME; nil: the kernel's

	linger time.Duration    // tests: lingerDefault unless set
	fault  func(step) error // tests: what the disk answers instead
}

// Keep says how much history is kept. Age never takes the newest Min events, so
// that a clock set to the future does not empty the record.
type Keep struct {
	Age    time.Duration
	Events int // at most so many
	Min    int
}

// State tells how the journal stands, for status and doctor.
type State struct {
	Saving  bool      // events reach the database
	Reason  string    // why not, in words; "" while Saving
	Since   time.Time // of that reason
	Lost    uint64    // events that fell out of the queue since Open, never saved
	Waiting int       // events in the queue now
	Torn    int64     // damaged records met by readers since Open

	degraded bool // TypeDegraded was told
}

// Journal is the record of a daemon. All methods may be called from any
// goroutine; Append, Count and CheckDone never block on the disk and never fail.
type Journal struct {
	o Options

	mu       sync.Mutex
	ring     ring
	seq      uint64 // of the newest event
	saved    uint64 // newest event in the database, or lost
	taken    uint64 // newest event of the batch that is being saved
	fell     uint64 // events of that batch that fell out of the ring meanwhile
	lost     uint64
	lostSaid uint64        // of these, told by a marker
	more     chan struct{} // closed when an event comes; nil while nobody waits
	counters map[key]uint64
	checks   map[key]*history
	dirty    dirty
	state    State
	ended    bool   // Close was called
	late     bool   // somebody gave up waiting for the tail, which nobody has written since
	store    *store // nil while there is none; only the writer changes it

	tail *tail

	ready chan struct{} // closed once the database was read or given up
	wake  chan struct{} // capacity 1: there is something to save
	flush chan chan error
	quit  chan struct{}
	done  chan struct{} // closed by the writer at its end
}

// key names a counter or a check of a service.
type key struct{ service, name string }

// dirty is what has changed since the last save, apart from events.
type dirty struct {
	counters map[key]struct{}
	checks   map[key]struct{}
}

func newDirty() dirty { return dirty{map[key]struct{}{}, map[key]struct{}{}} }

// Open starts a journal. It returns at once: the database is opened by the
// writer goroutine, and events appended before that are kept for it. It never
// fails; what is wrong with the file is told by an event and by State.
func Open(o Options) *Journal {
	if o.Keep == (Keep{}) {
		o.Keep = keepDefault
	}
	if o.Queue == 0 {
		o.Queue = queueDefault
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Boottime == nil {
		o.Boottime = boottime
	}
	if o.linger == 0 {
		o.linger = lingerDefault
	}
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	if o.Present == nil {
		o.Present = func() error { return nil }
	}
	if o.fault == nil {
		o.fault = func(step) error { return nil }
	}
	j := &Journal{
		o: o, ring: ring{max: o.Queue}, counters: map[key]uint64{}, checks: map[key]*history{}, dirty: newDirty(),
		state: State{Reason: "the database is being opened", Since: o.Now()},
		ready: make(chan struct{}), wake: make(chan struct{}, 1), flush: make(chan chan error), quit: make(chan struct{}), done: make(chan struct{}),
	}
	j.tail = newTail(o.Path+tailSuffix, o.Present)
	w := writer{j: j}
	go w.run()
	return j
}

func boottime() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // cannot fail for a known clock
	return ts.Nano()
}

// Append records e: Seq, Time (unless set) and Boottime are filled in here.
// e.Fields must not be changed afterwards.
func (j *Journal) Append(e Event) {
	if e.Time.IsZero() {
		e.Time = j.o.Now()
	}
	e.Boottime = j.o.Boottime()
	j.mu.Lock()
	j.appendLocked(e)
	j.mu.Unlock()
	j.nudge()
}

// appendLocked numbers e and puts it where readers, followers and the writer
// find it. What the writer had not saved of an event that falls out is lost.
func (j *Journal) appendLocked(e Event) {
	if j.ended {
		return
	}
	j.seq++
	e.Seq = j.seq
	if gone, ok := j.ring.push(e); ok && gone.Seq > j.saved {
		if gone.Seq <= j.taken {
			j.fell++ // lost only if the save that runs now fails
		} else {
			j.saved = gone.Seq
			j.lost++
		}
	}
	if j.more != nil {
		close(j.more)
		j.more = nil
	}
}

// nudge tells the writer that there is something to save.
func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default: // it has been told
	}
}

// renumberLocked makes the numbers of all events in memory follow base. Only
// events that no reader has seen, or that would overwrite others, change.
func (j *Journal) renumberLocked(base uint64) {
	j.ring.each(0, func(e *Event) bool { e.Seq += base; return true })
	j.seq += base
	j.saved += base
	j.taken += base
}

// Count adds delta to a counter, e.g. Count("db", "restarts", 1).
func (j *Journal) Count(service, name string, delta uint64) {
	k := key{service, name}
	j.mu.Lock()
	j.counters[k] += delta
	j.dirty.counters[k] = struct{}{}
	j.mu.Unlock()
	j.nudge()
}

// Counter is the counter's value; until the database has been read (see Ready)
// that since Open.
func (j *Journal) Counter(service, name string) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counters[key{service, name}]
}

// Ready is closed when the database has been read or given up for now.
func (j *Journal) Ready() <-chan struct{} { return j.ready }

// State tells whether the journal saves.
func (j *Journal) State() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.state
	s.Lost, s.Waiting = j.lost, j.ring.count(j.saved)
	if j.store != nil {
		s.Torn = j.store.torn.Load()
	}
	return s
}

// Flush returns when everything appended before is on disk, or with the reason
// why it cannot be, or when ctx ends. It makes the writer try again at once.
func (j *Journal) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case j.flush <- answer:
	case <-j.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close saves what waits (for at most closeWait) and ends the journal. Later
// calls of Append do nothing. The error says what could not be saved.
func (j *Journal) Close() error {
	j.mu.Lock()
	if !j.ended {
		j.ended = true
		close(j.quit)
		if j.more != nil { // followers end
			close(j.more)
			j.more = nil
		}
	}
	j.mu.Unlock()
	limit := time.NewTimer(closeWait)
	defer limit.Stop()
	select {
	case <-j.done:
	case <-limit.C:
	}
	if s := j.State(); s.Waiting > 0 {
		return fmt.Errorf("cannot save the last %d events: %s", s.Waiting, s.Reason)
	}
	return nil
}

package journal

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Times of the writer.
const (
	lingerDefault = 100 * time.Millisecond // how long a first event waits for others to share its fsync
	retryFirst    = time.Second            // after a failure, doubling
	retryMax      = time.Minute
)

const (
	batchMax = 4096 // events in one commit
	movesMax = 3    // damaged databases moved aside before the journal gives up until supd starts anew
)

// writer is the one goroutine that touches the disk. It sleeps on channels
// alone while there is nothing to save.
type writer struct {
	j      *Journal
	delay  time.Duration // until the next try after a failure; 0 = all is well
	moves  int
	joined bool // the counters of earlier runs have been added
}

func (w *writer) run() {
	defer close(w.j.done)
	w.j.tail.left = readTail(w.j.tail.path) // before Ready: nobody else is at it
	_ = w.save()                            // what is wrong is told by the state
	w.begin()
	for w.rest() {
	}
	w.j.markChecks()
	_ = w.save()
	w.end()
}

// end closes the database; what is in memory can still be asked for.
func (w *writer) end() {
	j := w.j
	j.mu.Lock()
	s := j.store
	j.store = nil
	j.mu.Unlock()
	if s != nil {
		_ = s.close() // everything was saved
	}
}

// begin lets readers in. Without a database, numbers begin far above those that
// it may hold, so that both can be joined later.
func (w *writer) begin() {
	j := w.j
	j.mu.Lock()
	if j.store == nil && !w.joined {
		j.renumberLocked(uint64(max(0, j.o.Now().UnixMilli())))
	}
	j.mu.Unlock()
	close(j.ready)
}

// rest waits until there is something to do and does it; false is the end.
func (w *writer) rest() bool {
	j := w.j
	wake, timer := j.wake, newAlarm(w.delay)
	if w.delay > 0 {
		wake = nil // new events do not make a broken disk whole
	}
	defer func() { timer.stop() }()
	select {
	case <-wake:
		timer = newAlarm(j.o.linger)
		select {
		case <-timer.c:
		case answer := <-j.flush:
			answer <- w.save()
			return true
		case <-j.quit:
			return false
		}
		_ = w.save()
	case <-timer.c:
		_ = w.save()
	case answer := <-j.flush:
		answer <- w.save()
	case <-j.quit:
		return false
	}
	return true
}

// alarm is a timer that may be none.
type alarm struct {
	t *time.Timer
	c <-chan time.Time
}

func newAlarm(d time.Duration) alarm {
	if d == 0 {
		return alarm{}
	}
	t := time.NewTimer(d)
	return alarm{t, t.C}
}

func (a alarm) stop() {
	if a.t != nil {
		a.t.Stop()
	}
}

// save brings everything that waits to disk and judges the outcome.
func (w *writer) save() error {
	err := w.try()
	var damaged *DamagedError
	if errors.As(err, &damaged) && w.moves < movesMax {
		w.moves++
		if err = w.replace(damaged); err == nil {
			err = w.try()
		}
	}
	w.judge(err)
	return err
}

func (w *writer) try() error {
	j := w.j
	if j.store == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	for {
		b := w.take()
		if b.empty() {
			j.emptyTail()
			return nil
		}
		err := j.o.fault(stepCommit)
		if err == nil {
			err = j.store.commit(&b)
		}
		if err != nil {
			w.failed(b, err)
			return err
		}
		w.saved(b)
	}
}

// open opens the database and joins what is in memory to what is in it.
func (w *writer) open() error {
	j := w.j
	if err := cmp.Or(j.o.fault(stepOpen), j.o.Present()); err != nil {
		return err
	}
	s, err := openStore(j.o.Path, false)
	if err != nil {
		return err
	}
	last, err := s.last()
	if err == nil {
		last, err = w.takeIn(s, last)
	}
	var counters map[key]uint64
	if err == nil {
		counters, err = s.counters()
	}
	if err != nil {
		s.abandon()
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.store = s
	if j.saved < last { // numbers that are taken; at the start, all are
		j.renumberLocked(last - j.saved)
	}
	if !w.joined { // counted since the start, on top of what was counted before
		for k, n := range counters {
			j.counters[k] += n
		}
	}
	w.joined = true
	return nil
}

// takeIn saves what an earlier run had in its tail and not in its database, and returns the newest number.
func (w *writer) takeIn(s *store, last uint64) (uint64, error) {
	j := w.j
	j.tail.turn <- struct{}{}
	defer func() { <-j.tail.turn }()
	if len(j.tail.left) == 0 {
		return last, nil
	}
	b := batch{now: j.o.Now(), keep: j.o.Keep}
	for _, e := range j.tail.left {
		if e.Seq > last {
			b.events, last = append(b.events, e), e.Seq
		}
	}
	if !b.empty() {
		if err := s.commit(&b); err != nil {
			return last, err
		}
	}
	if err := j.tail.empty(); err != nil {
		return last, err
	}
	j.tail.left = nil
	return last, nil
}

// take collects a batch. Events that were lost on the way are spoken of by a
// marker under the number of the last of them.
func (w *writer) take() batch {
	j := w.j
	j.mu.Lock()
	defer j.mu.Unlock()
	b := batch{now: j.o.Now(), keep: j.o.Keep, counters: map[key]uint64{}, checks: map[key][]CheckResult{}}
	j.ring.each(j.saved, func(e *Event) bool {
		b.events = append(b.events, *e)
		return len(b.events) < batchMax
	})
	if n := j.lost - j.lostSaid; n > 0 && len(b.events) > 0 {
		first := b.events[0]
		marker := Event{Seq: first.Seq - 1, Time: first.Time, Boottime: first.Boottime, Type: TypeLost, Severity: Warning,
			Text: fmt.Sprintf("%d events before this one were lost: they came faster than they could be saved", n)}
		b.events = append([]Event{marker}, b.events...)
		b.lost = n
	}
	for k := range j.dirty.counters {
		b.counters[k] = j.counters[k]
	}
	for k := range j.dirty.checks {
		b.checks[k] = j.historyLocked(k)
	}
	j.dirty = newDirty()
	if n := len(b.events); n > 0 {
		j.taken = b.events[n-1].Seq
	}
	return b
}

// saved marks a batch as being on disk.
func (w *writer) saved(b batch) {
	j := w.j
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lostSaid += b.lost
	j.saved, j.fell = max(j.saved, j.taken), 0
}

// failed puts back what a batch held and gives up a database that cannot be
// trusted any more. On a full disk it can.
func (w *writer) failed(b batch, err error) {
	j := w.j
	j.mu.Lock()
	for k := range b.counters {
		j.dirty.counters[k] = struct{}{}
	}
	for k := range b.checks {
		j.dirty.checks[k] = struct{}{}
	}
	if j.fell > 0 { // out of the ring, and not on disk either
		j.lost += j.fell
		j.saved, j.fell = max(j.saved, j.ring.oldest()-1), 0
	}
	j.taken = j.saved
	s := j.store
	full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
	if !full {
		j.store = nil
	}
	j.mu.Unlock()
	if full {
		return
	}
	if damaged := (*DamagedError)(nil); !errors.As(err, &damaged) {
		_ = s.close()
	}
	s.abandon()
}

// replace moves a damaged database aside.
func (w *writer) replace(damaged *DamagedError) error {
	j := w.j
	aside, err := moveAside(j.o.Path, j.o.Now())
	if err != nil {
		return fmt.Errorf("%w; it cannot be moved aside: %w", damaged, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for k := range j.counters { // they are all that is left
		j.dirty.counters[k] = struct{}{}
	}
	j.ownLocked(Event{Type: TypeDamaged, Severity: Warning,
		Text:   fmt.Sprintf("the journal was damaged (%s); it is kept as %s, and a new one was begun", damaged.Why, aside),
		Fields: map[string]string{"moved_to": aside}})
	return nil
}

// ownLocked records an event about the journal itself. j.mu must be held.
func (j *Journal) ownLocked(e Event) {
	e.Time, e.Boottime = j.o.Now(), j.o.Boottime()
	j.appendLocked(e)
	j.o.Tell(e)
}

// judge keeps the state, tells of its changes, and sets the time of the next try.
func (w *writer) judge(err error) {
	j := w.j
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.o.Now()
	if err == nil {
		w.delay = 0
		if !j.state.Saving && j.state.degraded {
			j.ownLocked(Event{Type: TypeRecovered, Severity: Notice,
				Text: fmt.Sprintf("the journal saves again; %d events were lost since supd started", j.lost)})
			j.nudge()
		}
		j.state = State{Saving: true}
		return
	}
	w.delay = min(max(retryFirst, 2*w.delay), retryMax)
	reason := err.Error()
	if j.state.degraded && j.state.Reason == reason {
		return
	}
	j.state = State{Reason: reason, Since: now, degraded: true}
	j.ownLocked(Event{Type: TypeDegraded, Severity: Warning,
		Text: "history is kept in memory only: " + reason})
}

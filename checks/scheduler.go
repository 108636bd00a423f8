package checks

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Limits of the scheduler.
const (
	parallelDefault = 1024             // checks that run at a time; the others wait in line
	spreadMax       = 10 * time.Second // within it every check has its first look, however long its interval is
	returnGrace     = time.Second      // for a check to come back after its timeout before it counts as hanging
)

// Job is a check to be run: as configured, completed and valid.
type Job struct {
	Key
	Options Options
	Config  Config
}

// Setup is what a Scheduler works with.
type Setup struct {
	// Env is asked at the start of each run; service is "" for a check of its own. It must not block.
	Env func(service string) Env
	// Report gets every result, from the scheduler's one goroutine and so in order. It must not block: all checks wait.
	// It may call the scheduler, but not wait in RunNow.
	Report   func(Report)
	Hide     func(text string) string // takes secrets out of what a check says, before anybody sees it; nil: there are none
	Parallel int                      // 0 = parallelDefault
}

// Scheduler runs checks when they are due. Without checks it holds no timer and never wakes up. Its methods are safe for
// concurrent use.
type Scheduler struct {
	setup Setup
	wake  chan struct{} // capacity 1: something changed, look again

	mu        sync.Mutex
	jobs      map[Key]*job
	byService map[string][]*job
	bySlash   map[string]*job // SERVICE/NAME, as needs writes it
	due       dueHeap
	line      []*job // due, but Parallel checks run already
	running   int    // without those that hang
	back      []comeback
	services  map[string]service
	added     uint64 // jobs so far, for the spread
}

// service is what the scheduler was told about a service.
type service struct {
	paused, frozen bool
	instance       uint64
}

// NewScheduler makes a Scheduler with no checks; Run makes it work.
func NewScheduler(setup Setup) *Scheduler {
	if setup.Parallel <= 0 {
		setup.Parallel = parallelDefault
	}
	if setup.Env == nil {
		setup.Env = func(string) Env { return Env{} }
	}
	if setup.Report == nil {
		setup.Report = func(Report) {}
	}
	return &Scheduler{
		setup: setup, wake: make(chan struct{}, 1),
		jobs: map[Key]*job{}, services: map[string]service{},
	}
}

// Set replaces the checks. One whose options and config are as before keeps its schedule, evidence and last result. The
// error names a check whose type is not registered; then nothing has changed.
func (s *Scheduler) Set(list []Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make(map[Key]*job, len(list))
	for _, want := range list {
		if old := s.jobs[want.Key]; old != nil && reflect.DeepEqual(old.Job, want) {
			fresh[want.Key] = old
			continue
		}
		kind, err := Lookup(want.Options.Type)
		if err != nil {
			return fmt.Errorf("cannot schedule check %q: %w", want.Key, err)
		}
		fresh[want.Key] = &job{Job: want, kind: kind, check: want.Config.Make(), watch: newWatch(kind, want.Options), place: -1}
	}
	now := time.Now()
	for key, old := range s.jobs {
		if fresh[key] != old {
			s.dropLocked(old)
		}
	}
	// In the order of their names, so that the spread is the same after every start.
	for _, key := range slices.SortedFunc(maps.Keys(fresh), compareKeys) {
		if j := fresh[key]; s.jobs[key] != j {
			s.admitLocked(j, now)
		}
	}
	s.jobs = fresh
	s.byService, s.bySlash = map[string][]*job{}, make(map[string]*job, len(fresh))
	for key, j := range fresh {
		s.byService[key.Service] = append(s.byService[key.Service], j)
		s.bySlash[key.String()] = j
	}
	s.poke()
	return nil
}

// Pause stops running the checks of a service; it may be called before Set. What they say after that is not reported,
// except for a report that is on its way already.
func (s *Scheduler) Pause(name string) {
	s.change(name, true, func(v *service) { v.paused = true })
}

// Resume runs the checks of a service from now on, with no evidence from before and after their start_delay. instance is
// handed back in reports: it tells the caller which start of the service a late report is about.
func (s *Scheduler) Resume(name string, instance uint64) {
	s.change(name, true, func(v *service) { v.paused, v.instance = false, instance })
}

// Freeze keeps running a service's checks and showing their results, as evidence for nothing (a lock).
func (s *Scheduler) Freeze(name string) {
	s.change(name, false, func(v *service) { v.frozen = true })
}

// Unfreeze takes results as evidence again. What was seen before and during the freeze counts for nothing, and what runs
// now is not reported.
func (s *Scheduler) Unfreeze(name string) {
	s.change(name, false, func(v *service) { v.frozen = false })
}

// Reset forgets the evidence about a service (a new epoch), and what its running checks will say.
func (s *Scheduler) Reset(name string) { s.change(name, false, func(*service) {}) }

// RunNow runs a check at once, paused or not, and waits for its report. If it runs already, it is run again after that: the
// report is always about a look that began after the call, except that one that hangs is reported as such. It is no
// evidence. The error is ctx's, or *NoCheckError. It must not be called from Setup.Report.
func (s *Scheduler) RunNow(ctx context.Context, key Key) (Report, error) {
	answer := make(chan Report, 1)
	s.mu.Lock()
	j := s.jobs[key]
	if j == nil {
		s.mu.Unlock()
		return Report{}, &NoCheckError{Key: key}
	}
	if r := j.current; r != nil && r.hangs {
		last := j.last
		s.mu.Unlock()
		last.Asked = true
		return last, nil
	}
	j.asked = append(j.asked, answer)
	s.lineUpLocked(j)
	s.mu.Unlock()
	s.poke()
	select {
	case r, ok := <-answer:
		if !ok {
			return Report{}, &NoCheckError{Key: key}
		}
		return r, nil
	case <-ctx.Done():
		return Report{}, fmt.Errorf("cannot wait for check %q: %w", key, context.Cause(ctx))
	}
}

// NoCheckError says that there is no such check, or that it was removed meanwhile, or that the scheduler ended.
type NoCheckError struct{ Key Key }

func (e *NoCheckError) Error() string { return fmt.Sprintf("there is no check %q", e.Key) }

// Status is where a check stands; false if there is none.
func (s *Scheduler) Status(key Key) (Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs[key]
	if !ok {
		return Status{}, false
	}
	return s.statusLocked(j), true
}

// Statuses tells where all checks stand.
func (s *Scheduler) Statuses() map[Key]Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[Key]Status, len(s.jobs))
	for key, j := range s.jobs {
		out[key] = s.statusLocked(j)
	}
	return out
}

func (s *Scheduler) statusLocked(j *job) Status {
	v := s.services[j.Service]
	last := j.watch.fill(j.last)
	last.Key, last.Type, last.Late = j.Key, j.Options.Type, j.late
	return Status{Last: last, Next: j.next, Paused: v.paused, Frozen: v.frozen, RunningSince: j.since}
}

// poke makes the loop look again.
func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

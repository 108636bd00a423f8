package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/supervisor/core"
)

// jobLateMax is how late a run may begin: supd was being replaced, the machine slept, the clock was set. What is older is
// missed, and said: a backup of three in the morning is not wanted at noon.
const jobLateMax = 5 * time.Minute

// jobClockBack is how far the clock may go back without a run coming twice; further back the new clock counts. The figure is
// cron's.
const jobClockBack = 3 * time.Hour

// jobs is the calendar: it tells the core when the time of a job has come, and remembers the last runs. One timer for all;
// between two times of all schedules nothing wakes up.
type jobs struct {
	s     *Supervisor
	clock *wallClock // nil: nothing has a schedule yet, or there is none to be had

	saving sync.Mutex // held while notes are written: taken before mu, never by the loop

	mu  sync.Mutex // never held while something is read or written
	all map[string]*job
}

// job is a service that runs to its end, with or without a schedule.
type job struct {
	line string // of its schedule, "" without one
	cron *checks.Cron
	next time.Time // zero: none
	note jobNote
}

func newJobs(s *Supervisor) *jobs { return &jobs{s: s, all: map[string]*job{}} }

// start begins to tell the core of due jobs, until ctx ends.
func (j *jobs) start(ctx context.Context) {
	clock, err := newWallClock()
	if err != nil {
		j.s.problem("schedules", err.Error()+"; no job is run by its schedule")
		return
	}
	j.mu.Lock()
	j.clock = clock
	j.mu.Unlock()
	context.AfterFunc(ctx, clock.close)
	j.reload()
	go func() {
		for clock.wait() {
			j.come(time.Now())
		}
	}()
}

// reload takes the schedules from the config in force. A schedule that is new, or another one, begins now.
func (j *jobs) reload() {
	next := map[string]*job{}
	for _, name := range j.s.services.names() {
		svc := j.s.services.get(name)
		if svc == nil {
			continue
		}
		svc.mu.Lock()
		conf, orphaned := svc.conf, svc.orphaned
		svc.mu.Unlock()
		if conf == nil || orphaned || !conf.Oneshot {
			continue
		}
		next[name] = &job{line: conf.Schedule.String(), cron: conf.Schedule.Cron, note: j.readNote(name)}
	}
	j.mu.Lock()
	for name, e := range next {
		if old := j.all[name]; old != nil { // newer than its file
			e.note = old.note
		}
		if e.note.Line != e.line {
			e.note.Considered = time.Time{}
		}
		e.note.Line = e.line
	}
	j.all = next
	j.mu.Unlock()
	j.come(time.Now())
}

// come tells the core of the jobs whose time has come by now, and sets the timer for the next. That a time was considered is on
// disk before the core hears of it: a supd that dies in between runs nothing twice.
func (j *jobs) come(now time.Time) {
	now = now.Round(0) // the wall clock alone: it may have been set
	var due []string
	missed := map[string]int{}
	notes := map[string]jobNote{}
	var first time.Time
	j.mu.Lock()
	for name, e := range j.all {
		before := e.note.Considered
		run, passed := e.consider(now)
		if run {
			due = append(due, name)
		}
		if passed > 0 {
			missed[name] = passed
		}
		if e.note.Considered != before {
			notes[name] = e.note
		}
		if !e.next.IsZero() && (first.IsZero() || e.next.Before(first)) {
			first = e.next
		}
	}
	clock := j.clock
	j.mu.Unlock()
	for name := range notes {
		j.save(name)
	}
	for name, n := range missed {
		text := fmt.Sprintf("%q was not run when its time came, %d times by %s: supd or the machine was not there, or the clock was set",
			name, n, notes[name].Considered.Format(time.RFC3339))
		j.s.log.Warn(text, "service", name)
		j.s.record("job.missed", name, journal.Warning, text, map[string]string{"times": strconv.Itoa(n)})
	}
	slices.Sort(due)
	for _, name := range due {
		j.s.send(core.Due{Service: name})
	}
	if clock == nil {
		return
	}
	if err := clock.set(first); err != nil {
		j.s.problem("schedules", "cannot set the timer of the wall clock: "+err.Error()+"; no job is run by its schedule")
	}
}

// missedMax bounds the count of missed runs that is told, and with it the work after a clock that jumped by years.
const missedMax = 10_000

// consider says whether the job is to be run now and how many of its times went by for good, and finds its next. A time is
// considered once, whatever becomes of it.
func (e *job) consider(now time.Time) (run bool, missed int) {
	if e.cron == nil {
		e.next = time.Time{}
		return false, 0
	}
	base := e.note.Considered
	if base.IsZero() || base.Sub(now) > jobClockBack {
		base = now
	}
	e.note.Considered = base
	e.next = e.cron.NextRun(base.In(now.Location()))
	if e.next.IsZero() || e.next.After(now) {
		return false, 0
	}
	last, passed := e.next, 1
	for ; passed < missedMax; passed++ {
		next := e.cron.NextRun(last)
		if next.After(now) {
			break
		}
		last = next
	}
	if passed == missedMax {
		last = now
	} else if run = now.Sub(last) <= jobLateMax; run {
		passed--
	}
	e.note.Considered = last
	e.next = e.cron.NextRun(last)
	return run, passed
}

// happened remembers what the core says of a run. Called by the loop; the file is written elsewhere.
func (j *jobs) happened(e core.Emit) {
	now := time.Now().Round(0)
	began := now
	if svc := j.s.services.get(e.Service); svc != nil && e.Type == core.EvStarting {
		svc.mu.Lock()
		began = svc.started.Round(0) // before the process was there: a run lasts at least as long as it did
		svc.mu.Unlock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	job := j.all[e.Service]
	if job == nil {
		return
	}
	n := &job.note
	switch e.Type {
	case core.EvStarting:
		n.Began, n.Ended, n.Result, n.Exit = began, time.Time{}, "", ""
	case core.EvDone:
		n.Ended, n.Result, n.Exit, n.Succeeded = now, "done", e.Fields["exit"], now
	case core.EvCrashed:
		n.Ended, n.Result, n.Exit = now, "failed", e.Fields["exit"]
	case core.EvActionFailed:
		if e.Fields["verb"] != string(core.Start) {
			return
		}
		n.Began, n.Ended, n.Result, n.Exit = now, now, "failed", e.Text
	case core.EvOperatorStop, core.EvStopped:
		if n.Began.IsZero() || !n.Ended.IsZero() {
			return
		}
		n.Ended, n.Result, n.Exit = now, "stopped", e.Fields["exit"]
	default:
		return
	}
	go j.save(e.Service)
}

// status is a job for the wire; nil for a service that is none.
func (j *jobs) status(name string, skipped uint64) *api.JobStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.all[name]
	if e == nil {
		return nil
	}
	n := e.note
	w := &api.JobStatus{Schedule: e.line, NextRun: given(e.next), LastRun: given(n.Began), LastEnd: given(n.Ended), LastResult: n.Result, LastExit: n.Exit,
		LastSuccess: given(n.Succeeded), Skipped: skipped}
	if !n.Began.IsZero() && !n.Ended.IsZero() {
		w.LastDurationS = max(n.Ended.Sub(n.Began).Seconds(), 0)
	}
	return w
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// jobNext says for status when a job runs next.
func jobNext(w *api.JobStatus, at time.Time) string {
	if w == nil || w.NextRun == nil {
		return ""
	}
	return fmt.Sprintf("next run %s, in %s", w.NextRun.Format("2006-01-02 15:04"), checks.Duration(w.NextRun.Sub(at).Round(time.Second)))
}

// beginJobs starts the calendar once every service has been looked at: a run that supd is late for must find its locks known.
func (s *Supervisor) beginJobs(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.ready:
		s.jobs.start(ctx)
	}
}

package checks

import (
	"context"
	"time"
)

// Run does the scheduler's work until ctx ends. Then it cancels what runs and returns when that has come back, at most
// returnGrace later. It is called once.
func (s *Scheduler) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		s.mu.Lock()
		reports := s.turnLocked(ctx, now)
		var first time.Time
		if len(s.due) > 0 {
			first = s.due[0].wakeAt()
		}
		s.mu.Unlock()
		// Outside of the lock: the callback may call the scheduler.
		for _, r := range reports {
			s.setup.Report(r)
		}
		if first.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(first))
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.wake:
		}
	}
	s.close(timer)
}

// turnLocked does all that is to be done now, and returns what is to be told. s.mu must be held.
func (s *Scheduler) turnLocked(ctx context.Context, now time.Time) []Report {
	var reports []Report
	for _, c := range s.back {
		if r, tell := s.endLocked(c); tell {
			reports = append(reports, r)
		}
	}
	clear(s.back)
	s.back = s.back[:0]
	// One job can be both overdue and due again; its guard comes first, so that a late run is counted after the hang is told.
	for len(s.due) > 0 && !s.due[0].wakeAt().After(now) {
		j := s.due[0]
		if !j.guard.IsZero() && !j.guard.After(now) {
			if r, tell := s.hangLocked(j, now); tell {
				reports = append(reports, r)
			}
		}
		if !j.next.IsZero() && !j.next.After(now) {
			s.dueLocked(j, now)
		}
		s.due.placed(j)
	}
	waiting := s.line
	for len(waiting) > 0 && s.running < s.setup.Parallel {
		j := waiting[0]
		waiting[0], waiting = nil, waiting[1:]
		if r, tell := s.startLocked(ctx, j, now); tell {
			reports = append(reports, r)
		}
	}
	s.line = waiting
	// Give the array back: it only ever grows at its end.
	if len(waiting) == 0 {
		s.line = nil
	}
	return reports
}

// dueLocked lines a job up whose time has come, and sets its next time. s.mu must be held.
func (s *Scheduler) dueLocked(j *job, now time.Time) {
	j.next = j.Options.Every.next(j.next, now)
	switch {
	case j.Options.NotEvery.holds(now):
	case j.current != nil || j.inLine && j.isDue:
		j.late++
	default:
		j.isDue = true
		s.lineUpLocked(j)
	}
}

func (s *Scheduler) lineUpLocked(j *job) {
	if !j.inLine && j.current == nil {
		j.inLine = true
		s.line = append(s.line, j)
	}
}

// close ends everything: who asked gets no answer any more, what runs is cancelled and waited for, and what hangs is left
// to its system call.
func (s *Scheduler) close(timer *time.Timer) {
	s.mu.Lock()
	for _, j := range s.jobs {
		s.dropLocked(j)
	}
	s.jobs, s.byService, s.bySlash, s.line = nil, nil, nil, nil
	s.mu.Unlock()
	timer.Reset(returnGrace)
	for {
		s.mu.Lock()
		for _, c := range s.back {
			s.endLocked(c)
		}
		s.back = nil
		left := s.running
		s.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-timer.C:
			return
		case <-s.wake:
		}
	}
}

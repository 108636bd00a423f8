package checks

import (
	"math"
	"time"
)

// admitLocked schedules a new or resumed job. s.mu must be held.
func (s *Scheduler) admitLocked(j *job, now time.Time) {
	// A check of its own has the service "", which nobody can pause.
	if s.services[j.Service].paused {
		return
	}
	from := now.Add(j.Options.StartDelay.Std())
	if every := j.Options.Every; every.Cron != nil {
		j.next = every.Cron.Next(from)
	} else {
		// The golden ratio puts each new one into the widest gap between those before it.
		const golden = 0.6180339887498949
		// Taken modulo first: the product would lose its fraction's digits as it grows.
		_, part := math.Modf(float64(s.added%(1<<32)) * golden)
		s.added++
		j.next = from.Add(time.Duration(part * float64(min(every.Interval, spreadMax))))
	}
	s.due.placed(j)
}

// unscheduleLocked takes a job off the schedule; what runs goes on. s.mu must be held.
func (s *Scheduler) unscheduleLocked(j *job) {
	j.next, j.isDue = time.Time{}, false
	s.due.placed(j)
}

// dropLocked forgets a job for good: nobody is told what its run will say, and who asked gets no answer. Its place is
// given back when the run is, or when it counts as hanging. s.mu must be held.
func (s *Scheduler) dropLocked(j *job) {
	j.gone = true
	s.unscheduleLocked(j)
	for _, answer := range j.asked {
		close(answer)
	}
	j.asked = nil
	if r := j.current; r != nil {
		r.cancel()
		for _, answer := range r.asked {
			close(answer)
		}
		r.asked = nil
	}
}

// change changes what is known of a service. All of it ends an epoch of evidence; reschedule also begins or ends the
// schedules of its checks.
func (s *Scheduler) change(name string, reschedule bool, f func(*service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.services[name]
	f(&v)
	s.services[name] = v
	// A service that is as if nothing was ever said about it takes no memory.
	if v == (service{}) {
		delete(s.services, name)
	}
	now := time.Now()
	for _, j := range s.byService[name] {
		j.epoch++
		j.watch.reset(now)
		if reschedule {
			s.unscheduleLocked(j)
			s.admitLocked(j, now)
		}
	}
	s.poke()
}

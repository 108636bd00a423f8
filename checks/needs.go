package checks

import (
	"fmt"
	"slices"
)

// needLocked says which failing check keeps j from being run; "" if none does. s.mu must be held.
func (s *Scheduler) needLocked(j *job) string {
	for _, name := range j.Options.Needs {
		// Two that need each other would each wait for the other for ever: such a need is none.
		if n := s.neededLocked(j, name); n != nil && n.inTheWay() && !s.leadsToLocked(n, j, nil) {
			return clip(fmt.Sprintf("not looked at, because %s is needed and %s: %s", n.Key, n.last.Result.State, n.last.Result.Detail), detailBytesMax)
		}
	}
	return ""
}

// neededLocked finds a check by the name that j gives it: one of the same service first, then one of its own, then
// SERVICE/NAME. s.mu must be held.
func (s *Scheduler) neededLocked(j *job, name string) *job {
	if n := s.jobs[Key{Service: j.Service, Name: name}]; n != nil {
		return n
	}
	if n := s.jobs[Key{Name: name}]; n != nil {
		return n
	}
	return s.bySlash[name]
}

// leadsToLocked says whether the needs of from lead to the check to, or are it. s.mu must be held.
func (s *Scheduler) leadsToLocked(from, to *job, seen []*job) bool {
	if from == to {
		return true
	}
	seen = append(seen, from)
	for _, name := range from.Options.Needs {
		if n := s.neededLocked(from, name); n != nil && !slices.Contains(seen, n) && s.leadsToLocked(n, to, seen) {
			return true
		}
	}
	return false
}

// inTheWay: it fails, is believed to, or was itself left out for a need. One failure suffices, whatever its tolerance:
// when the line is cut, those behind it fail before anybody can be sure why.
func (j *job) inTheWay() bool {
	return j.last.Result.State == Failing || j.watch.judge.state == Failing || j.leftOut
}

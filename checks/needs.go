package checks

import "fmt"

// needLocked says which failing check keeps j from being run; "" if none does. s.mu must be held.
func (s *Scheduler) needLocked(j *job) string {
	for _, name := range j.Options.Needs {
		if n := s.neededLocked(j, name); n != nil && n != j && n.inTheWay() {
			return clip(fmt.Sprintf("not looked at, because %s is needed and %s: %s", n.Key, n.last.Result.State, n.last.Result.Detail), detailBytesMax)
		}
	}
	return ""
}

// neededLocked finds a check by the name that j gives it: one of the same service first.
func (s *Scheduler) neededLocked(j *job, name string) *job {
	if n := s.jobs[Key{Service: j.Service, Name: name}]; n != nil {
		return n
	}
	if n := s.jobs[Key{Name: name}]; n != nil {
		return n
	}
	return s.bySlash[name]
}

// inTheWay: it fails, or its last look did, or was itself left out for a need.
func (j *job) inTheWay() bool {
	last := j.last.Result.State
	return last == Failing || j.watch.judge.state == Failing || last == Unknown && len(j.Options.Needs) > 0 && !j.last.At.IsZero()
}

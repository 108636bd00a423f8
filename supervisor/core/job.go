package core

import "fmt"

// due takes a job whose time has come. It is run once, after a look like every automatic start, or not at all: what cannot
// be run now is said, counted, and never made up for by a release.
func (c *turn) due(ev Due) {
	s := c.get(ev.Service)
	switch {
	case s == nil:
	case !s.hasTimes():
		c.ignore("no job")
	case c.st.Closing != nil:
		c.ignore("shutting down")
	case s.Due:
		c.skip(s, "its run before still waits to begin")
		s.Due = true // that one does
	case s.Running || s.Act != nil:
		c.skip(s, "it still runs")
	default:
		s.Due = true
		if s.Phase == Backoff { // a new run, not one more attempt at the last
			s.RetryAt, s.Fails = 0, 0
		}
		c.look(s)
	}
}

// hasTimes reports whether the service is a job in the configuration, which times may come for.
func (s *Service) hasTimes() bool { return s.Spec.Oneshot && !s.Orphaned && !s.Forgotten }

// skip says that a run is left out.
func (c *turn) skip(s *Service, why string) {
	s.Due = false
	s.Skipped++
	c.say(s, EvJobSkipped, Warning, fmt.Sprintf("%q is not run at its time: %s", s.Spec.Name, why), map[string]string{"reason": why})
}

// skipHeld is skip for a run that a hold stands in the way of: a suppressed action. Its phase stays what the last run left.
func (c *turn) skipHeld(s *Service, holds []Hold) {
	s.Due = false
	s.Skipped++
	c.say(s, EvSuppressed, Notice, fmt.Sprintf("%q is not run at its time: %s", s.Spec.Name, holdsText(holds)), map[string]string{"verb": string(Start), "due": "true"})
}

// stillDue reports whether the run whose time has come may begin, as far as holds and prerequisites go. A prerequisite that
// is only down is started, and waited for.
func (c *turn) stillDue(s *Service, clean bool) bool {
	switch {
	case s.held() || !clean:
		c.skipHeld(s, s.EffectiveHolds())
		return false
	case s.SettleUntil > c.now:
		c.skip(s, "it was released a moment ago")
		return false
	}
	wait := false
	for _, name := range s.Spec.DependsOn {
		p := c.st.Services[name]
		switch {
		case p == nil:
			c.skip(s, fmt.Sprintf("it needs %q, which is not configured", name))
			return false
		case p.satisfied():
		case p.held() && !p.Running:
			c.skip(s, fmt.Sprintf("it needs %q, %s", name, holdsText(p.EffectiveHolds())))
			return false
		case p.Phase == Failed:
			c.skip(s, fmt.Sprintf("it needs %q, which failed: %s", name, p.Why))
			return false
		default:
			c.pull(p, s.Spec.Name)
			wait = true
		}
	}
	return !wait
}

// givenUp reports whether a failed run is the end of it: a job that is not retried waits for its next time, or for a person.
func (s *Service) givenUp() bool { return s.Spec.Oneshot && s.Spec.Policy == Never }

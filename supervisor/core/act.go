package core

import (
	"fmt"
	"strconv"
)

// act puts one Act in flight and reports whether it did. It is the core's own
// wall: an automatic Act outside a decision, or on a held service, is refused.
func (c *turn) act(s *Service, a Act) bool {
	if a.Automatic && (c.deciding != s || s.held() || s.Act != nil) {
		c.say(s, EvInvariant, Alert, fmt.Sprintf("would have tried to %s %q without a decision or under a hold; this is a mistake in supd, please report it", a.Verb, s.Spec.Name), nil)
		return false
	}
	if c.st.ObserveOnly || s.Spec.Observe {
		c.would(s, a)
		return false
	}
	c.st.LastAct++
	a.ID, a.Service, a.Gen = c.st.LastAct, s.Spec.Name, 0
	switch {
	case a.Verb == Start || a.Verb == Restart:
		s.LastGen++
		a.Gen = s.LastGen
	case s.Running:
		a.Gen = s.Gen
	}
	due := s.Due && a.Automatic && a.Verb == Start
	if a.Verb == Start || a.Verb == Restart {
		s.Due = false // it is this run, or this run stands in for it
	}
	s.Act = &InFlight{Act: a, Due: due, From: s.Phase, Why: s.Why, Was: s.Since, Since: c.now}
	s.Pulled = "" // it was the reason of this very act
	c.outdate(s)
	c.x.acts++
	switch {
	case a.Verb == Start:
		c.enter(s, Starting, a.Reason)
	case (a.Verb == Stop || a.Verb == Restart) && s.Running:
		c.enter(s, Stopping, string(a.Verb)+": "+a.Reason)
	}
	// The shell's copy must not share memory with the state's.
	a.Requests = append([]uint64(nil), a.Requests...)
	c.emit(a)
	return true
}

// would says what observe mode keeps supd from doing; once per reason.
func (c *turn) would(s *Service, a Act) {
	text := fmt.Sprintf("would %s %q (%s), but only observes", a.Verb, s.Spec.Name, a.Reason)
	for _, id := range append([]uint64(nil), a.Requests...) {
		c.finish(c.st.Requests[id], CodeFailed, text)
	}
	s.Due = false
	key := "would " + string(a.Verb) + " " + a.Reason
	if a.Automatic && s.Suppressed == key {
		return
	}
	s.Suppressed = key
	c.say(s, EvWould+string(a.Verb), Notice, text, map[string]string{"verb": string(a.Verb), "reason": a.Reason})
}

// gone clears what belongs to an instance.
func (c *turn) gone(s *Service) {
	s.Running, s.PID, s.ReadyBy, s.TooLate, s.Vanished = false, 0, 0, false, false
	s.Watchdog, s.WatchBy, s.Missed = 0, 0, ""
	s.Failing = keepHolding(s.Failing)
}

// say emits an event about a service.
func (c *turn) say(s *Service, kind string, sev Severity, text string, fields map[string]string) {
	c.emit(Emit{Type: kind, Service: s.Spec.Name, Severity: sev, Text: text, Fields: fields})
}

func (s *Service) instanceFields() map[string]string {
	return map[string]string{"gen": strconv.FormatUint(s.Gen, 10), "pid": strconv.Itoa(s.PID)}
}

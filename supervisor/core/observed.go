package core

import (
	"fmt"
	"time"
)

// exitGrace is how long the core waits for the Exited of a process that an
// observation no longer found, before it takes the exit status for unknown.
const exitGrace = time.Second

// observed takes an observation and makes every automatic decision, from its
// tokens and no others.
func (c *turn) observed(ev Observed) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if !s.Observing {
		c.ignore("nobody asked for it")
		return
	}
	s.Observing = false
	if ev.Gen < Stranger {
		s.LastGen = max(s.LastGen, ev.Gen) // also from an observation that is out of date
	}
	switch {
	case s.Act != nil:
		s.Again = true // the Act's end brings another look
		return
	case s.Again:
		// What it says of the holds is out of date too: a start may have cleared them.
		s.Again = false
		c.look(s)
		return
	}
	c.deciding = s
	free := c.absorb(s, ev.Holds)
	if free {
		c.releasedLock(s)
	}
	first := !s.Known
	if !free && !first && ev.Epoch != s.Epoch && !s.OwnEpoch {
		c.released(s)
	}
	s.OwnEpoch = false
	s.Known, s.Epoch, s.SettleUntil = true, ev.Epoch, 0
	if ev.SettleUntil > c.now {
		s.SettleUntil = ev.SettleUntil
	}
	c.reconcile(s, ev, first)
	if first && ev.Since != 0 && ev.Since < c.now {
		s.Since = ev.Since
	}
	c.wantByHolds(s)
	if first {
		// Its dependents may have waited for no more than to hear of it.
		c.changed = append(c.changed, s)
	}
	if !s.Vanished {
		c.decide(s, Decision{PlanGen: ev.PlanGen, Epoch: ev.Epoch, Clean: ev.Clean && len(s.Interlocks) == 0}, ev.Clean)
	}
	c.deciding = nil
	c.serve(s)
}

// absorb takes what the shell says of lock and hold files, and reports whether
// the last lock has gone.
func (c *turn) absorb(s *Service, holds []Hold) (free bool) {
	old := s.Holds
	s.Holds = append([]Hold(nil), holds...)
	if hasKind(holds, HoldOperatorStop) {
		s.Stopped = nil // the file stands in for it now
	}
	if holdsKey(old) == holdsKey(holds) {
		return false
	}
	c.changed = append(c.changed, s)
	if hasKind(holds, HoldUnreadable) && !hasKind(old, HoldUnreadable) {
		c.say(s, EvUnreadable, Alert, fmt.Sprintf("lock state of %q cannot be read, it counts as locked: %s", s.Spec.Name, holdsText(holds)), nil)
	}
	if !s.held() {
		s.Suppressed = ""
	}
	return hasKind(old, HoldLock, HoldUnreadable) && !hasKind(holds, HoldLock, HoldUnreadable)
}

// wantByHolds takes what an operator stop on disk says of want, or its end.
// HoldsChanged only brings the look for it: it may tell of files that an Act has
// removed since.
func (c *turn) wantByHolds(s *Service) {
	stopped := hasKind(s.Holds, HoldOperatorStop)
	switch {
	case stopped && !s.Running:
		// Remembered here too: the file may vanish, and still nobody said start.
		s.Want = WantDown
	case s.Raised && !stopped:
		s.Want, s.Raised = WantUp, false // cleared because it was seen up
	}
}

// released forgets what was counted and planned before the epoch changed.
func (c *turn) released(s *Service) {
	s.Fails, s.FailTimes, s.Looping, s.Failing, s.Tries = 0, nil, false, nil, 0
	s.RetryAt, s.Suppressed, s.Shield = 0, "", ""
	if s.Due {
		c.skip(s, "a lock was released just then")
	}
	if s.TooLate {
		s.TooLate = false
		s.ReadyBy = c.readyBy(s)
	}
	if s.Phase == Up {
		c.armWatchdog(s)
	}
	if s.Phase == Down || s.Phase == Backoff || (s.Phase == Failed && !s.givenUp() && !hasKind(s.Holds, HoldRestartLimit)) {
		c.enter(s, Down, "looked at afresh")
	}
}

// releasedLock is released, and said: the last lock has gone.
func (c *turn) releasedLock(s *Service) {
	c.released(s)
	c.say(s, EvReleased, Notice, fmt.Sprintf("%q is looked at afresh: no lock holds it any more", s.Spec.Name), nil)
}

// reconcile brings phase and observation together. It acts on nothing.
func (c *turn) reconcile(s *Service, ev Observed, first bool) {
	switch {
	case ev.Running && (!s.Running || ev.Gen != s.Gen):
		c.foundRunning(s, ev, first)
	case ev.Running:
		s.Vanished = false
	case s.Running && (ev.DiedUnseen || s.Vanished):
		s.Vanished, s.RetryAt = false, 0
		c.ended(s, Exit{})
	case s.Running:
		// Its Exited must be on the way, and knows the status; look once more later.
		s.Vanished = true
		s.RetryAt = c.now.Add(exitGrace)
	case first:
		c.foundDown(s, ev)
	}
}

// foundRunning takes over an instance that the core did not start.
func (c *turn) foundRunning(s *Service, ev Observed, first bool) {
	s.Running, s.Gen, s.PID, s.Vanished = true, ev.Gen, ev.PID, false
	stopped := s.Stopped != nil || hasKind(s.Holds, HoldOperatorStop)
	s.UpSince, s.ReadyBy, s.TooLate, s.Shield, s.RetryAt, s.Stopped = c.now, 0, false, "", 0, nil
	s.Fails, s.FailTimes, s.Looping = 0, nil, false
	s.Watchdog = ev.Watchdog
	c.armWatchdog(s)
	kind, why := EvAdopted, "found running"
	if !first {
		kind, why = EvUp, "came up by another hand"
		if hasKind(s.Holds, HoldLock) {
			kind = EvStartedUnderLock
		}
	}
	sev := Notice
	if kind == EvStartedUnderLock {
		sev = Alert
	}
	c.enter(s, Up, why)
	c.say(s, kind, sev, fmt.Sprintf("%q %s", s.Spec.Name, why), s.instanceFields())
	if stopped || hasKind(s.Holds, HoldRestartLimit) {
		c.clearHolds(s)
	}
	// With an operator stop on disk it may be about to end by that very stop: want
	// goes up when the hold has been cleared.
	s.Raised = stopped
	if !stopped {
		s.Want = WantUp
	}
}

// foundDown decides what a service wants that does not run when supd comes.
func (c *turn) foundDown(s *Service, ev Observed) {
	stopped := hasKind(s.Holds, HoldOperatorStop)
	if !stopped && (s.Spec.Autostart || ev.DiedUnseen || ev.Ended != nil) {
		s.Want = WantUp
	}
	switch {
	case stopped:
		c.enter(s, Down, holdsText(s.Holds))
	case hasKind(s.Holds, HoldRestartLimit):
		c.enter(s, Failed, "restart limit reached")
	case ev.Completed && s.Spec.Oneshot:
		c.enter(s, Done, "ended well before supd came")
	case ev.Ended != nil:
		s.Running, s.Gen = true, ev.Gen // for a moment, so that it ends by the one way there is
		c.ended(s, *ev.Ended)
	case ev.DiedUnseen && ev.Recorded != "" && s.held():
		c.enter(s, Down, ev.Recorded+"; "+holdsText(s.EffectiveHolds()))
	case ev.DiedUnseen && ev.Recorded != "":
		c.failed(s, ev.Recorded)
	case ev.DiedUnseen:
		s.Running = true // as above
		c.ended(s, Exit{})
	default:
		c.enter(s, Down, "not started yet")
	}
}

// clearHolds has the holds removed that end when a service is seen up.
func (c *turn) clearHolds(s *Service) {
	s.OwnEpoch = true
	c.emit(ClearHolds{s.Spec.Name})
}

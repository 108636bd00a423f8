package core

import (
	"fmt"
	"time"
)

// The pauses between attempts while another action has the gate.
const (
	busyFirst = 100 * time.Millisecond
	busyMax   = 2 * time.Second
	staleMax  = 10 // how often an operator's action is tried again on a changing plan
)

// result ends the Act in flight.
func (c *turn) result(ev Result) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if s.Act == nil || s.Act.Act.ID != ev.Act {
		c.ignore("result of an older act")
		return
	}
	in := s.Act
	s.Act = nil
	c.x.acts--
	c.outdate(s)
	if ev.Outcome != ActBusy {
		s.Tries = 0
	}
	switch ev.Outcome {
	case ActDone:
		c.done(s, in, ev)
	case ActFailed:
		c.actFailed(s, in, ev)
	case ActSuppressed:
		c.suppressed(s, in, ev)
	case ActStale:
		c.goBack(s, in)
		s.Due = s.Due || in.Due && s.hasTimes()
		c.retry(in, "the state changed meanwhile", true)
		c.look(s)
	default:
		c.goBack(s, in)
		s.Due = s.Due || in.Due && s.hasTimes()
		s.RetryAt = c.now.Add(min(busyFirst<<min(s.Tries, 10), busyMax))
		s.Tries++
		c.retry(in, ev.Err, false)
	}
	if c.st.Services[ev.Service] == s && s.Forgotten {
		c.remove(s)
		c.closingProgress()
		return
	}
	// After a refusal too: its holds may be older than the last HoldsChanged.
	again := s.Again && !s.Observing
	if again {
		s.Again = false
	}
	if again || c.wantsLook(s) {
		c.look(s)
	}
	c.serve(s)
	c.servePlans(s)
	if c.st.Closing != nil {
		c.refuseQueue(s)
	}
	c.closingProgress()
}

// done takes the effect of a finished Act into the state.
func (c *turn) done(s *Service, in *InFlight, ev Result) {
	a := in.Act
	if a.ClearHolds {
		s.OwnEpoch = true
		s.Holds = without(s.Holds, HoldOperatorStop, HoldRestartLimit)
		s.Fails, s.FailTimes, s.Looping = 0, nil, false
	}
	switch a.Verb {
	case Start, Restart:
		c.started(s, in, ev)
	case Stop:
		c.stopped(s, in)
	default:
		c.say(s, EvActionDone, Notice, fmt.Sprintf("%s of %q by %s is done", a.Verb, s.Spec.Name, a.By), map[string]string{"verb": string(a.Verb), "by": a.By})
		c.answer(s, a, CodeDone, fmt.Sprintf("%s of %q is done", a.Verb, s.Spec.Name))
	}
	if in.Ended != nil && a.Verb != Stop && a.Verb != Restart {
		c.ended(s, *in.Ended)
	}
}

// started takes over the instance that a start or restart made.
func (c *turn) started(s *Service, in *InFlight, ev Result) {
	a := in.Act
	if a.Automatic && (a.Verb == Restart || s.Fails > 0) {
		s.Restarts++
	}
	s.Want, s.Running, s.Gen, s.PID = WantUp, true, a.Gen, ev.PID
	s.Watchdog, s.WatchBy, s.Missed = ev.Watchdog, 0, ""
	if ev.Gen != 0 {
		s.Gen = ev.Gen
		if ev.Gen < Stranger {
			s.LastGen = max(s.LastGen, ev.Gen)
		}
	}
	s.Failing = keepHolding(s.Failing)
	s.Raised = false
	s.TooLate, s.Vanished, s.RetryAt, s.Suppressed, s.Shield, s.Stopped = false, false, 0, "", "", nil
	fields := s.instanceFields()
	fields["by"], fields["reason"], fields["verb"] = a.By, a.Reason, string(a.Verb)
	c.say(s, EvStarting, Notice, fmt.Sprintf("%q was started by %s: %s", s.Spec.Name, a.By, a.Reason), fields)
	for _, id := range a.Requests {
		if p := c.st.Requests[id]; p != nil && p.Request.Service == s.Spec.Name {
			p.Acting, p.Started = false, true
		}
	}
	s.ReadyBy = c.readyBy(s)
	switch {
	case s.Spec.Oneshot:
		s.ReadyBy = 0
		s.UpSince = c.now
		c.enter(s, Up, "running")
	case in.Ready || (s.Spec.Ready.byTime() && s.Spec.Ready.Delay <= 0):
		c.becomeReady(s)
	default:
		c.enter(s, Starting, "waits to be ready")
	}
	if in.Early != nil {
		c.ended(s, *in.Early)
	}
}

// stopped takes the end of an instance by supd's own hand into the state.
func (c *turn) stopped(s *Service, in *InFlight) {
	a := in.Act
	// Of the automatic stops only a check's writes a hold. TooLate may have been
	// reset since by a release, so that the act itself must say what it was.
	late := a.Automatic && a.Hold == nil
	c.gone(s)
	switch {
	case c.st.Closing != nil && a.Automatic:
		c.enter(s, Down, "stopped: supd shuts down")
	case late && a.Signal != 0:
		c.failPending(s, fmt.Sprintf("cannot start %q: %s", s.Spec.Name, a.Reason))
		c.failed(s, a.Reason)
	case late:
		c.say(s, EvNotReady, Alert, fmt.Sprintf("%q was not ready within %v and was stopped", s.Spec.Name, s.Spec.ReadyTimeout), nil)
		c.failPending(s, fmt.Sprintf("cannot start %q: it was not ready within %v", s.Spec.Name, s.Spec.ReadyTimeout))
		c.failed(s, fmt.Sprintf("not ready within %v", s.Spec.ReadyTimeout))
	default:
		s.Want, s.Raised = WantDown, false
		s.RetryAt = 0
		c.enter(s, Down, "stopped by "+a.By)
	}
	c.say(s, EvStopped, Notice, fmt.Sprintf("%q was stopped by %s: %s", s.Spec.Name, a.By, a.Reason), map[string]string{"by": a.By, "reason": a.Reason})
	c.answer(s, a, CodeDone, fmt.Sprintf("%q is stopped", s.Spec.Name))
	c.settled(s)
}

// actFailed handles an Act that was permitted and did not succeed.
func (c *turn) actFailed(s *Service, in *InFlight, ev Result) {
	a := in.Act
	text := ev.Err
	if text == "" {
		text = fmt.Sprintf("cannot %s %q", a.Verb, s.Spec.Name)
	}
	c.say(s, EvActionFailed, Warning, text, map[string]string{"verb": string(a.Verb), "by": a.By})
	if a.ClearHolds {
		s.OwnEpoch = true
		s.Holds = without(s.Holds, HoldOperatorStop, HoldRestartLimit)
	}
	if a.Verb == Start || (a.Verb == Restart && in.Ended != nil) {
		s.Want = WantUp
		c.gone(s)
		c.answer(s, a, CodeFailed, text)
		c.failed(s, text)
		return
	}
	// A stop that failed is none, even if the instance is gone by now. Whether
	// its hold was written the next observation says.
	c.goBack(s, in)
	if a.Automatic && a.Signal != 0 {
		s.RetryAt = c.now.Add(busyMax) // it still gives no sign of life
	}
	c.answer(s, a, CodeFailed, text)
	if c.st.Closing != nil {
		c.leave(s, text)
	}
}

// suppressed handles an Act that the gate refused because of holds. Nothing is
// tried again by time: a change of the holds brings the next look.
func (c *turn) suppressed(s *Service, in *InFlight, ev Result) {
	a := in.Act
	c.goBack(s, in)
	c.absorb(s, ev.Holds)
	switch {
	case in.Due:
		c.skipHeld(s, ev.Holds)
	case a.Automatic:
		c.holdBack(s, a.Verb, ev.Holds)
	default:
		c.say(s, EvSuppressed, Notice, fmt.Sprintf("%s of %q by %s was refused: %s", a.Verb, s.Spec.Name, a.By, holdsText(ev.Holds)),
			map[string]string{"verb": string(a.Verb), "by": a.By})
	}
	if !a.Automatic {
		c.answer(s, a, CodeHeld, fmt.Sprintf("cannot %s %q: %s", a.Verb, s.Spec.Name, holdsText(ev.Holds)))
	}
	c.changed = append(c.changed, s) // starts that wait for it fail now
	if c.st.Closing != nil && s.Running {
		c.leave(s, holdsText(ev.Holds))
	}
}

// goBack undoes the phase of an Act that did not happen, and makes up for what
// came meanwhile.
func (c *turn) goBack(s *Service, in *InFlight) {
	if s.Phase == Stopping || (s.Phase == Starting && in.Act.Verb == Start) {
		c.enter(s, in.From, in.Why)
		s.Since = in.Was // nothing happened
	}
	if in.Ready && s.Phase == Starting {
		c.becomeReady(s)
	}
	if in.Ended != nil {
		c.ended(s, *in.Ended)
	}
}

// retry has an Act that met a changed or busy state tried again: an automatic
// one by a new look, an operator's by its place in the queue.
func (c *turn) retry(in *InFlight, why string, count bool) {
	for _, id := range in.Act.Requests {
		p := c.st.Requests[id]
		if p == nil {
			continue
		}
		p.Acting = false
		if count {
			p.Tries++
		}
		if p.Tries > staleMax {
			c.finish(p, CodeFailed, fmt.Sprintf("cannot %s %q: %s, again and again", in.Act.Verb, in.Act.Service, why))
			continue
		}
		c.progress(p, "waiting: "+why)
	}
}

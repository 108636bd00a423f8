package core

import "slices"

// Step takes one event and returns what is to be done, in order. now never goes
// back. The actions belong to the caller.
func Step(st *State, ev Event, now Instant) []Action {
	acts, _ := step(st, ev, now)
	return acts
}

// step is Step, and says why an event was ignored, for the table of states.
func step(st *State, ev Event, now Instant) (acts []Action, ignored string) {
	c := turn{st: st, x: st.idx(), now: now}
	switch ev := ev.(type) {
	case Configure:
		c.configure(ev)
	case Orphan:
		c.orphan(ev)
	case Forget:
		c.forget(ev)
	case Observed:
		c.observed(ev)
	case Exited:
		c.exitedEvent(ev)
	case Ready:
		c.readyEvent(ev)
	case Heartbeat:
		c.heartbeat(ev)
	case Extend:
		c.extend(ev)
	case CheckFailed:
		c.checkFailed(ev)
	case CheckRecovered:
		c.checkRecovered(ev)
	case Interlock:
		c.interlock(ev)
	case Request:
		c.request(ev)
	case CancelRequest:
		c.cancel(ev)
	case Result:
		c.result(ev)
	case HoldsChanged:
		c.holdsChanged(ev)
	case Due:
		c.due(ev)
	case Tick:
		c.tick()
	case Shutdown:
		c.shutdown(ev)
	}
	c.drain()
	for _, s := range c.touched {
		if st.Services[s.Spec.Name] == s {
			c.x.arm(s)
		}
	}
	return c.out, c.ignored
}

// turn is one call of Step.
type turn struct {
	st       *State
	x        *index
	now      Instant
	out      []Action
	ignored  string
	touched  []*Service // whose deadline may have changed
	changed  []*Service // whose phase or holds changed: others may wait for that
	serving  []*Service // whose queue is to be worked off
	deciding *Service   // whose Observed is being handled: only it may act automatically
}

func (c *turn) emit(a Action) { c.out = append(c.out, a) }

// ignore says that an event means nothing here, and why.
func (c *turn) ignore(why string) { c.ignored = why }

// get returns the service and has its deadline renewed, or nil.
func (c *turn) get(name string) *Service {
	s := c.st.Services[name]
	if s != nil {
		c.touched = append(c.touched, s)
	} else {
		c.ignore("no such service")
	}
	return s
}

// enter is the only place where a phase changes. Entering the phase that is
// already there only changes the reason.
func (c *turn) enter(s *Service, p Phase, why string) {
	s.Why = why
	if s.Phase == p {
		return
	}
	s.Phase, s.Since = p, c.now
	c.outdate(s)
	c.changed = append(c.changed, s)
}

// outdate makes an observation that is under way worthless.
func (c *turn) outdate(s *Service) {
	if s.Observing {
		s.Again = true
	}
}

// look asks for an observation, now or as soon as what is under way has ended.
func (c *turn) look(s *Service) {
	switch {
	case c.deciding == s: // the handler of Observed decides in any case
	case s.Act != nil || s.Observing:
		s.Again = true
	default:
		s.Observing = true
		c.touched = append(c.touched, s)
		c.emit(Observe{s.Spec.Name})
	}
}

// drain works off what the event has set going: it tells those who wait for
// services whose phase or holds changed, and serves queues, until nothing moves.
func (c *turn) drain() {
	told, served := 0, 0
	for told < len(c.changed) || served < len(c.serving) {
		if told < len(c.changed) {
			c.tellDependents(c.changed[told])
			told++
			continue
		}
		c.workOff(c.serving[served])
		served++
	}
}

func (c *turn) tellDependents(s *Service) {
	ready := s.satisfied()
	for _, name := range c.x.dependents[s.Spec.Name] {
		d := c.st.Services[name]
		if d == nil {
			continue
		}
		if ready && d.Shield == s.Spec.Name {
			d.Shield, d.Fails, d.FailTimes = "", 0, nil // its failures were not its own
		}
		// A run that waits for s is decided anew whatever became of s: it must not outlive a lock on it.
		if (ready || d.Due) && c.wantsLook(d) {
			c.look(d)
		}
		c.serve(d)
		// Whoever waits for d waits for s too.
		if len(c.st.Requests) > 0 && !d.satisfied() && !slices.Contains(c.changed, d) {
			c.changed = append(c.changed, d)
		}
	}
}

// satisfied reports whether the service is what its dependents need.
func (s *Service) satisfied() bool {
	if s.Spec.Oneshot {
		return s.Phase == Done
	}
	return s.Phase == Up
}

// held reports whether anything holds the service, as far as the core knows.
func (s *Service) held() bool {
	if len(s.Holds) > 0 || len(s.Interlocks) > 0 || s.Stopped != nil {
		return true
	}
	for _, f := range s.Failing {
		if f.OnFail == FailHold {
			return true
		}
	}
	return false
}

// EffectiveHolds returns everything that holds the service: files, interlocks,
// a stop whose file is still being written, and checks of its own with on_fail = "hold". The result belongs to the caller.
func (s *Service) EffectiveHolds() []Hold {
	out := append(append([]Hold{}, s.Holds...), s.Interlocks...)
	if s.Stopped != nil && !hasKind(s.Holds, HoldOperatorStop) {
		out = append(out, *s.Stopped)
	}
	for _, f := range s.Failing {
		if f.OnFail == FailHold {
			out = append(out, Hold{Kind: HoldInterlock, ID: f.Check, By: checkName(f.Check), Reason: f.Reason})
		}
	}
	return out
}

// wantsLook reports whether there is something for decide to do.
func (c *turn) wantsLook(s *Service) bool {
	switch {
	case c.st.Closing != nil:
		return c.st.Closing.Open[s.Spec.Name]
	case !s.Known || s.Act != nil || s.RetryAt > c.now:
		return false
	case s.Running:
		return s.TooLate || s.Missed != "" || s.pendingCheck(c.now) >= 0
	}
	return s.Due || s.Want == WantUp && s.startable()
}

// startable reports whether supd starts the service in its phase if it is wanted
// up. A oneshot that is done is not run again, unless it is a oneshot no more.
func (s *Service) startable() bool {
	return s.Phase == Down || s.Phase == Backoff || (s.Phase == Done && !s.Spec.Oneshot)
}

package core

import (
	"fmt"
	"strconv"
)

func (r ReadyRule) byTime() bool { return r.Mode == ReadyTime || r.Mode == "" }

// readyBy is when the instance that starts now is ready, or too late to be.
func (c *turn) readyBy(s *Service) Instant {
	if s.Spec.Ready.byTime() {
		return c.now.Add(s.Spec.Ready.Delay)
	}
	if s.Spec.ReadyTimeout <= 0 {
		return 0
	}
	return c.now.Add(s.Spec.ReadyTimeout)
}

func (c *turn) readyEvent(ev Ready) {
	s := c.get(ev.Service)
	switch {
	case s == nil:
	case s.Act != nil && s.Act.Act.Gen == ev.Gen && (s.Act.Act.Verb == Start || s.Act.Act.Verb == Restart):
		s.Act.Ready = true // the Result is on its way
	case !s.Running || ev.Gen != s.Gen:
		c.ignore("an instance of another generation")
	case s.Phase == Stopping:
		s.Act.Ready = true // counts if the stop does not come to pass
	case s.Phase != Starting:
		c.ignore("ready already")
	default:
		c.becomeReady(s)
	}
}

// becomeReady is the end of a start.
func (c *turn) becomeReady(s *Service) {
	s.ReadyBy, s.TooLate, s.UpSince = 0, false, c.now
	c.armWatchdog(s)
	c.enter(s, Up, "ready")
	c.say(s, EvUp, Notice, fmt.Sprintf("%q is up", s.Spec.Name), s.instanceFields())
	c.serve(s)
}

func (c *turn) exitedEvent(ev Exited) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if in := s.Act; in != nil {
		switch {
		case (in.Act.Verb == Start || in.Act.Verb == Restart) && ev.Gen == in.Act.Gen:
			in.Early = &ev.Exit
			return
		case s.Running && ev.Gen == s.Gen:
			// What it means depends on how the Act ends.
			in.Ended = &ev.Exit
			c.outdate(s)
			return
		}
	}
	if !s.Running || ev.Gen != s.Gen {
		// An observation under way may have seen it alive, and would be the last word.
		c.outdate(s)
		c.ignore("an instance of another generation")
		return
	}
	c.ended(s, ev.Exit)
	c.servePlans(s)
	c.closingProgress()
}

// ended decides what the end of the running instance means. It only changes the
// state: what is to be done about it is decided after a look.
func (c *turn) ended(s *Service, e Exit) {
	s.forgive(c.now)
	c.gone(s)
	name, how := s.Spec.Name, e.String()
	v := s.Spec.judge(e)
	locked := hasKind(s.Holds, HoldLock, HoldUnreadable)
	fields := map[string]string{"exit": how, "code": strconv.Itoa(e.Code), "signal": strconv.Itoa(e.Signal)}
	if locked {
		fields["under"] = "lock"
	}
	defer c.failPending(s, fmt.Sprintf("cannot start %q: it %s before it was ready", name, how))
	switch {
	case c.st.Closing != nil:
		c.enter(s, Down, how+" while supd shuts down")
		c.settled(s)
	case e.BySupd:
		// A stop or restart whose end nobody waited for: its hold, if it has one, decides.
		s.Raised = false
		c.enter(s, Down, "stopped by supd")
		c.look(s)
	case v == finished:
		c.enter(s, Done, "ended well")
		s.Fails, s.FailTimes, s.Looping = 0, nil, false
		c.say(s, EvDone, Notice, fmt.Sprintf("%q is done", name), fields)
		c.serve(s)
	case v == deliberate:
		c.operatorStop(s, e, fields)
	case v == crash && c.missing(s) != "" && !locked:
		s.Shield = c.missing(s)
		c.enter(s, Down, fmt.Sprintf("%s; explained by %q, which is down", how, s.Shield))
		fields["explained_by"] = s.Shield
		c.say(s, EvExplained, Notice, fmt.Sprintf("%q %s; explained by %q, which is down", name, how, s.Shield), fields)
	default:
		c.crashed(s, v, how, fields, locked)
	}
}

// crashed reports a failure, or a clean end that policy answers with a start.
func (c *turn) crashed(s *Service, v verdict, how string, fields map[string]string, locked bool) {
	sev, kind := Alert, EvCrashed
	if v == again {
		sev, kind = Notice, EvStopped
	}
	text := fmt.Sprintf("%q %s", s.Spec.Name, how)
	switch {
	case locked:
		sev = Notice
	case s.SettleUntil > c.now:
		fields["under"] = "settle"
		text += fmt.Sprintf("; its lock was released a moment ago: not acted on for another %v", span(s.SettleUntil, c.now))
	}
	c.say(s, kind, sev, text, fields)
	if s.givenUp() {
		c.failed(s, how) // a release must not run it again
		return
	}
	if s.held() {
		// Counters are frozen while somebody works on it.
		c.enter(s, Down, how+"; "+holdsText(s.EffectiveHolds()))
		c.look(s)
		return
	}
	c.failed(s, how)
}

// operatorStop holds a service that somebody stopped.
func (c *turn) operatorStop(s *Service, e Exit, fields map[string]string) {
	name := s.Spec.Name
	if e.AtWork != "" && s.Spec.judgeStatus(e) == crash {
		c.heldAtWork(s, e, fields)
		return
	}
	by := e.Sender
	if by == "" {
		by = "somebody unknown"
	}
	s.Want, s.Raised, s.RetryAt = WantDown, false, 0
	fields["by"] = by
	c.enter(s, Down, "stopped by "+by+": "+e.String())
	c.say(s, EvOperatorStop, Alert, fmt.Sprintf("%q was stopped on purpose (%s, by %s) and stays down. Next: supctl maintenance start %s (go on working) or supctl start %s (I am done)", name, e, by, name, name), fields)
	s.Stopped = &Hold{Kind: HoldOperatorStop, By: by, Reason: e.String()}
	c.emit(AddHold{name, HoldSpec{Kind: HoldOperatorStop, By: by, Reason: e.String()}})
}

// heldAtWork holds a stateful service that crashed while somebody worked in its data.
func (c *turn) heldAtWork(s *Service, e Exit, fields map[string]string) {
	name, why := s.Spec.Name, fmt.Sprintf("%s, while somebody is at work in its data: %s", e, e.AtWorkHow)
	s.Want, s.Raised, s.RetryAt = WantDown, false, 0
	fields["by"] = e.AtWork
	c.enter(s, Down, why)
	c.say(s, EvOperatorStop, Alert, fmt.Sprintf("%q %s (%s): it stays down. Next: supctl maintenance start %s (go on working) or supctl start %s (I am done)",
		name, why, e.AtWork, name, name), fields)
	s.Stopped = &Hold{Kind: HoldOperatorStop, By: e.AtWork, Reason: why}
	c.emit(AddHold{name, HoldSpec{Kind: HoldOperatorStop, By: e.AtWork, Reason: why}})
}

// failed counts a failure and says when the next attempt is due.
func (c *turn) failed(s *Service, why string) {
	name := s.Spec.Name
	if s.Spec.Policy == Never {
		c.enter(s, Failed, why+"; policy is never to restart")
		c.say(s, EvFailed, Alert, fmt.Sprintf("%q has failed (%s) and its policy is never to restart; next: supctl start %s", name, why, name), nil)
		return
	}
	if c.overLimit(s, why) {
		c.enter(s, Failed, why+"; restart limit reached")
		return
	}
	d := c.st.delay(s.Spec.Backoff, s.Fails)
	s.RetryAt = 0
	c.enter(s, Backoff, why)
	if !s.Looping && s.Spec.Backoff.atLongest(s.Fails) {
		s.Looping = true
		c.say(s, EvCrashLoop, Alert, fmt.Sprintf("%q keeps failing (%s); it is tried every %v from now on", name, why, s.Spec.Backoff.longest()), nil)
	}
	if d > 0 {
		s.RetryAt = c.now.Add(d)
		return
	}
	c.look(s)
}

// overLimit counts a failure; at the limit it holds the service, once.
func (c *turn) overLimit(s *Service, why string) bool {
	if !s.countFailure(c.now) {
		return false
	}
	name, l := s.Spec.Name, s.Spec.Limit
	text := fmt.Sprintf("%q failed %d times within %v (%s) and is held; next: supctl start %s", name, l.N, l.Per, why, name)
	c.say(s, EvFailed, Alert, text, nil)
	c.emit(AddHold{name, HoldSpec{Kind: HoldRestartLimit, By: "supd", Reason: fmt.Sprintf("%d failures within %v, last: %s", l.N, l.Per, why)}})
	s.FailTimes = nil
	return true
}

package core

import (
	"fmt"
	"strings"
)

// decide makes at most one automatic Act for the service that was just observed.
// clean is the observation's own word, without the core's interlocks.
func (c *turn) decide(s *Service, d Decision, clean bool) {
	if c.st.Closing != nil {
		c.decideClosing(s, d, clean)
		return
	}
	if s.Act != nil || s.RetryAt > c.now {
		return
	}
	s.RetryAt = 0
	wanted := s.Want == WantUp && s.startable()
	due := s.Due && !s.Running
	if due && !c.stillDue(s, clean) {
		if due = false; !wanted {
			return
		}
	}
	a := Act{Automatic: true, Decision: d, By: "supd"}
	check := -1
	switch {
	case s.Running && s.TooLate:
		a.Verb, a.Reason = Stop, "not ready in time"
	case s.Running && s.Missed != "":
		a.Verb, a.Signal, a.Reason = Stop, sigABRT, "watchdog: "+s.Missed
	case s.Running && s.Phase == Up:
		if check = s.pendingCheck(c.now); check < 0 {
			return
		}
		f := s.Failing[check]
		a.Verb, a.Reason, a.Check = verbOf(f.OnFail), checkName(f.Check)+" failed: "+f.Reason, f.Check
	case due:
		a.Verb, a.Reason = Start, "its time has come"
	case !s.Running && wanted:
		a.Verb, a.Reason = Start, s.startReason()
	default:
		return
	}
	switch {
	case s.held() || !clean:
		c.holdBack(s, a.Verb, s.EffectiveHolds())
		return
	case s.SettleUntil > c.now:
		return // the deadline comes back here
	case a.Verb == Start && !due && !c.prerequisites(s):
		return
	case (check >= 0 || a.Signal != 0) && c.missing(s) != "":
		return // explained by the prerequisite; looked at again when that is back
	case check >= 0 && a.Verb == Restart && c.overLimit(s, a.Reason):
		s.Failing[check].Acted = true
		return
	}
	if check >= 0 {
		s.Failing[check].Acted = true
		if a.Verb == Stop {
			a.Hold = &HoldSpec{Kind: HoldOperatorStop, By: checkName(a.Check), Reason: a.Reason}
		}
	}
	c.act(s, a)
}

// startReason says in the record why a start is made.
func (s *Service) startReason() string {
	switch {
	case s.Pulled != "":
		return s.Pulled
	case s.Why == "":
		return "wanted up"
	}
	return "wanted up; " + s.Why
}

// holdBack notes that an automatic action is not taken because of holds; once
// for the same action and the same holds.
func (c *turn) holdBack(s *Service, v Verb, holds []Hold) {
	if !s.Running {
		c.enter(s, Down, holdsText(holds))
	}
	key := string(v) + " " + holdsKey(holds)
	if s.Suppressed == key {
		return
	}
	s.Suppressed = key
	c.say(s, EvSuppressed, Notice, fmt.Sprintf("not going to %s %q: %s", v, s.Spec.Name, holdsText(holds)), map[string]string{"verb": string(v)})
}

// prerequisites reports whether all are ready. Those that are not are asked up,
// unless somebody holds them.
func (c *turn) prerequisites(s *Service) bool {
	var missing []string
	for _, name := range s.Spec.DependsOn {
		p := c.st.Services[name]
		if p != nil && p.satisfied() {
			continue
		}
		text := fmt.Sprintf("%q", name)
		switch {
		case p == nil:
			text += ", which is not configured"
		case p.held() && !p.Running:
			text += ", " + holdsText(p.EffectiveHolds())
		default:
			c.pull(p, s.Spec.Name)
		}
		missing = append(missing, text)
		s.Shield = name
	}
	if len(missing) == 0 {
		s.Shield = ""
		return true
	}
	c.enter(s, Down, "needs "+strings.Join(missing, "; needs "))
	return false
}

// pull makes a prerequisite wanted. Its start is an automatic one: whatever
// holds it, also a lock of the person who asks, is respected.
func (c *turn) pull(p *Service, by string) {
	if p.Want != WantUp {
		p.Want, p.Pulled = WantUp, fmt.Sprintf("needed by %q", by)
	}
	// A oneshot that is needed runs again only if it is not done.
	if c.wantsLook(p) {
		c.look(p)
	}
}

// missing returns the first prerequisite that is not ready, "" if none.
func (c *turn) missing(s *Service) string {
	for _, name := range s.Spec.DependsOn {
		if p := c.st.Services[name]; p == nil || !p.satisfied() {
			return name
		}
	}
	return ""
}

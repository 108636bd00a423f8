package core

import (
	"fmt"
	"slices"
)

func checkName(check string) string { return fmt.Sprintf("check %q", check) }

// verbOf is the action that a failing check asks for, "" for none.
func verbOf(f OnFail) Verb {
	switch f {
	case FailRestart:
		return Restart
	case FailStop:
		return Stop
	case FailReload:
		return Reload
	case FailExec:
		return Exec
	}
	// A start is what a wanted service that is down gets anyway.
	return ""
}

// pendingCheck returns the index of a failing check whose action is due, or -1.
func (s *Service) pendingCheck(now Instant) int {
	return slices.IndexFunc(s.Failing, func(f Failing) bool {
		return !f.Acted && f.NotBefore <= now && verbOf(f.OnFail) != ""
	})
}

// keepHolding drops what was failing of an instance that is gone, except what
// holds the service until it has recovered.
func keepHolding(fs []Failing) []Failing {
	var out []Failing
	for _, f := range fs {
		if f.OnFail == FailHold {
			out = append(out, f)
		}
	}
	return out
}

// checkFailed notes a failing check. Its action, if it has one, is decided after
// a look, and only for a service that is up and free and not explained.
func (c *turn) checkFailed(ev CheckFailed) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if ev.Gen != 0 && (!s.Running || ev.Gen != s.Gen) {
		c.ignore("an instance of another generation")
		return
	}
	fields := map[string]string{"check": ev.Check, "on_fail": string(ev.OnFail)}
	sev := Alert
	switch {
	case hasKind(s.Holds, HoldLock, HoldUnreadable):
		fields["under"], sev = "lock", Notice
	case s.Phase != Up:
		fields["under"], sev = s.Phase.String(), Notice
	case c.missing(s) != "":
		fields["under"], fields["explained_by"], sev = "explained", c.missing(s), Notice
	case s.SettleUntil > c.now:
		fields["under"] = "settle"
	}
	if ev.OnFail == FailNone {
		sev = Notice
	}
	c.say(s, EvCheckFailed, sev, fmt.Sprintf("check %q of %q fails: %s", ev.Check, ev.Service, ev.Reason), fields)
	if verbOf(ev.OnFail) != "" && s.Phase != Up {
		return // it acts on nothing, now or later: it will be told again if it goes on failing
	}
	c.noteFailing(s, ev)
	if c.wantsLook(s) {
		c.look(s)
	}
}

func (c *turn) noteFailing(s *Service, ev CheckFailed) {
	f := Failing{Check: ev.Check, OnFail: ev.OnFail, Reason: ev.Reason}
	if ev.OnFail == FailRestart {
		s.forgive(c.now)
		if d := c.st.delay(s.Spec.Backoff, s.Fails+1); d > 0 {
			f.NotBefore = c.now.Add(d)
		}
	}
	i, found := slices.BinarySearchFunc(s.Failing, ev.Check, func(f Failing, name string) int {
		switch {
		case f.Check < name:
			return -1
		case f.Check > name:
			return 1
		}
		return 0
	})
	if found {
		s.Failing[i].Reason = ev.Reason
		return
	}
	s.Failing = slices.Insert(s.Failing, i, f)
	if ev.OnFail == FailHold {
		c.changed = append(c.changed, s)
	}
}

func (c *turn) checkRecovered(ev CheckRecovered) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	i := slices.IndexFunc(s.Failing, func(f Failing) bool { return f.Check == ev.Check })
	if i < 0 {
		c.ignore("it was not failing")
		return
	}
	s.Failing = slices.Delete(s.Failing, i, i+1)
	c.say(s, EvCheckRecovered, Notice, fmt.Sprintf("check %q of %q passes again", ev.Check, ev.Service), map[string]string{"check": ev.Check})
	c.freed(s)
}

// interlock holds or frees a service on the word of a check that is not its own.
func (c *turn) interlock(ev Interlock) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	i := slices.IndexFunc(s.Interlocks, func(h Hold) bool { return h.ID == ev.Check })
	switch {
	case ev.On && i >= 0:
		s.Interlocks[i].Reason = ev.Reason
		c.ignore("interlocked already")
	case ev.On:
		s.Interlocks = append(s.Interlocks, Hold{Kind: HoldInterlock, ID: ev.Check, By: checkName(ev.Check), Reason: ev.Reason})
		c.say(s, EvInterlocked, Alert, fmt.Sprintf("%q is held by check %q: %s", ev.Service, ev.Check, ev.Reason), map[string]string{"check": ev.Check})
		c.changed = append(c.changed, s)
	case i < 0:
		c.ignore("it does not hold the service")
	default:
		s.Interlocks = slices.Delete(s.Interlocks, i, i+1)
		c.say(s, EvInterlockOff, Notice, fmt.Sprintf("check %q no longer holds %q", ev.Check, ev.Service), map[string]string{"check": ev.Check})
		c.freed(s)
	}
}

// freed looks at a service that nothing holds any more, as far as is known.
func (c *turn) freed(s *Service) {
	if s.held() {
		return
	}
	s.Suppressed = ""
	c.changed = append(c.changed, s)
	if c.wantsLook(s) {
		c.look(s)
	}
}

// holdsChanged takes what a watcher saw. A release brings a fresh look; a new
// lock changes nothing but what is shown: the gate knows it anyway.
func (c *turn) holdsChanged(ev HoldsChanged) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	same := holdsKey(s.Holds) == holdsKey(ev.Holds)
	free := c.absorb(s, ev.Holds)
	if free {
		c.releasedLock(s)
	}
	stopped := hasKind(s.Holds, HoldOperatorStop)
	switch {
	case !s.held() && (!same || c.wantsLook(s)),
		s.Raised && !stopped,
		stopped && !s.Running && s.Want == WantUp:
		c.look(s)
	case same:
		c.ignore("the same holds as before")
	}
}

package core

import (
	"fmt"
	"slices"
	"time"
)

// killGrace is what a stop may take beyond its stop timeout: KILL, and the end
// of the tree. leaveWait bounds the wait for acts in flight when nothing is to
// be stopped: a spawn takes milliseconds, a stop goes on in its helper.
const (
	killGrace = 5 * time.Second
	leaveWait = 5 * time.Second
)

// shutdown begins the end of supd.
func (c *turn) shutdown(ev Shutdown) {
	cl := c.st.Closing
	if cl != nil && (cl.Stop || !ev.StopServices) {
		c.ignore("shutting down already")
		return
	}
	c.st.Closing = &Closing{Stop: ev.StopServices, By: c.now.Add(leaveWait), Open: map[string]bool{}}
	names := c.st.names()
	for _, name := range names {
		s := c.st.Services[name]
		c.refuseQueue(s)
		if ev.StopServices && (s.Running || s.Act != nil || !s.Known) {
			c.st.Closing.Open[name] = true
		}
	}
	if ev.StopServices {
		c.st.Closing.By = c.now.Add(c.longestStop())
		for _, name := range names {
			if c.st.Closing.Open[name] {
				c.look(c.st.Services[name])
			}
		}
	}
	c.closingProgress()
}

// refuseQueue answers everybody whose Act is not in flight.
func (c *turn) refuseQueue(s *Service) {
	for _, id := range slices.Clone(s.Queue) {
		if p := c.st.Requests[id]; !p.Acting || s.Act == nil {
			c.finish(p, CodeFailed, fmt.Sprintf("cannot %s %q: supd is shutting down", p.Request.Verb, s.Spec.Name))
		}
	}
}

// longestStop is the time that stopping along the longest chain of dependencies
// may take.
func (c *turn) longestStop() time.Duration {
	memo := map[string]time.Duration{}
	var chain func(name string) time.Duration
	chain = func(name string) time.Duration {
		if d, ok := memo[name]; ok {
			return d
		}
		s := c.st.Services[name]
		if s == nil {
			return 0
		}
		memo[name] = 0 // a circle ends here
		var below time.Duration
		for _, p := range s.Spec.DependsOn {
			below = max(below, chain(p))
		}
		memo[name] = below + s.Spec.StopTimeout + killGrace
		return memo[name]
	}
	var longest time.Duration
	for name := range c.st.Services {
		longest = max(longest, chain(name))
	}
	return longest + leaveWait
}

// decideClosing stops the observed service once nothing that runs needs it.
func (c *turn) decideClosing(s *Service, d Decision, clean bool) {
	switch {
	case !c.st.Closing.Stop || s.Act != nil:
	case !s.Running:
		c.settled(s)
		c.closingProgress()
	case s.held() || !clean:
		c.leave(s, holdsText(s.EffectiveHolds()))
		c.closingProgress()
	case s.RetryAt > c.now || c.neededOpen(s):
	default:
		if !c.act(s, Act{Verb: Stop, Automatic: true, Decision: d, By: "supd", Reason: "supd shuts down"}) {
			c.leave(s, "only observes")
			c.closingProgress()
		}
	}
}

// neededOpen reports whether a dependent is still to be stopped.
func (c *turn) neededOpen(s *Service) bool {
	for _, name := range c.x.dependents[s.Spec.Name] {
		if c.st.Closing.Open[name] {
			return true
		}
	}
	return false
}

// leave has a service run on after supd.
func (c *turn) leave(s *Service, why string) {
	if c.st.Closing.Open[s.Spec.Name] {
		c.say(s, EvLeftRunning, Warning, fmt.Sprintf("%q is left as it is: %s", s.Spec.Name, why), nil)
	}
	c.settled(s)
}

// settled takes a service off the list of what the shutdown waits for, and has
// its prerequisites looked at, which may be stopped now.
func (c *turn) settled(s *Service) {
	cl := c.st.Closing
	if cl == nil || !cl.Open[s.Spec.Name] {
		return
	}
	delete(cl.Open, s.Spec.Name)
	for _, name := range s.Spec.DependsOn {
		if cl.Open[name] {
			c.look(c.st.Services[name])
		}
	}
}

// closingProgress ends supd when nothing is left to wait for.
func (c *turn) closingProgress() {
	cl := c.st.Closing
	if cl == nil || cl.Done || len(cl.Open) > 0 || c.x.acts > 0 {
		return
	}
	cl.Done = true
	c.emit(Quit{})
}

// closingLate ends supd although something did not end in its time.
func (c *turn) closingLate() {
	cl := c.st.Closing
	if cl == nil || cl.Done || cl.By > c.now {
		return
	}
	for _, name := range c.st.names() {
		if s := c.st.Services[name]; cl.Open[name] || s.Act != nil {
			c.say(s, EvShutdownLate, Warning, fmt.Sprintf("%q did not end in time (%s: %s)", name, s.Phase, s.Why), nil)
		}
	}
	cl.Done = true
	c.emit(Quit{})
}

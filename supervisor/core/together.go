package core

import (
	"fmt"
	"strings"
)

// What people ask of several services is one wish as soon as the wishes are in their queues: a start waits for the start
// of what it needs, whose own hold that start lifts, and a stop waits for the stops of what needs it. Only starts wait for
// prerequisites and only stops for dependents, so nobody waits in a circle. The shell gives the wishes of one command in
// that order (supervisor, in_order.go).

// goingUp reports whether somebody waits for the service to be started or restarted.
func (c *turn) goingUp(s *Service) bool { return c.asked(s, Start, Restart) }

// goingDown reports whether somebody waits for the service to be stopped.
func (c *turn) goingDown(s *Service) bool { return c.asked(s, Stop) }

func (c *turn) asked(s *Service, verbs ...Verb) bool {
	for _, id := range s.Queue {
		for _, v := range verbs {
			if c.st.Requests[id].Request.Verb == v {
				return true
			}
		}
	}
	return false
}

// awaitUp reports whether p waits for the start or restart of something that s needs.
func (c *turn) awaitUp(s *Service, p *Pending) (wait bool) {
	for _, name := range s.Spec.DependsOn {
		if d := c.st.Services[name]; d != nil && c.goingUp(d) {
			c.progress(p, fmt.Sprintf("waiting for %q to be ready", name))
			wait = true
		}
	}
	return wait
}

// awaitDown reports whether all that runs and needs s is being stopped by somebody's wish; then p, a stop of s, waits for
// that. up is not empty.
func (c *turn) awaitDown(p *Pending, up []*Service) bool {
	names := make([]string, len(up))
	for i, d := range up {
		if !c.goingDown(d) {
			return false
		}
		names[i] = fmt.Sprintf("%q", d.Spec.Name)
	}
	for _, d := range up {
		d.plan(p.Request.ID)
	}
	c.progress(p, "waiting for "+strings.Join(names, ", ")+" to be stopped")
	return true
}

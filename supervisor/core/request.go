package core

import (
	"fmt"
	"slices"
)

// request takes an operator's wish into the queue of its service.
func (c *turn) request(ev Request) {
	if c.st.Requests[ev.ID] != nil {
		c.ignore("asked already")
		return
	}
	s := c.get(ev.Service)
	switch {
	case s == nil || s.Forgotten:
		c.emit(Reply{Request: ev.ID, Code: CodeNotFound, Text: fmt.Sprintf("no such service %q", ev.Service)})
		return
	case c.st.Closing != nil:
		c.emit(Reply{Request: ev.ID, Code: CodeFailed, Text: fmt.Sprintf("cannot %s %q: supd is shutting down", ev.Verb, ev.Service)})
		return
	case !slices.Contains([]Verb{Start, Stop, Restart, Reload, Signal, Exec}, ev.Verb):
		c.emit(Reply{Request: ev.ID, Code: CodeUsage, Text: fmt.Sprintf("cannot %q %q: no such verb", ev.Verb, ev.Service)})
		return
	}
	c.supersede(s, ev)
	p := &Pending{Request: ev, Asked: c.now}
	c.st.Requests[ev.ID] = p
	s.Queue = append(s.Queue, ev.ID)
	c.join(s, p)
	c.serve(s)
}

// supersede answers older requests that want the opposite and have not begun.
func (c *turn) supersede(s *Service, ev Request) {
	for _, id := range slices.Clone(s.Queue) {
		p := c.st.Requests[id]
		if !p.Acting && contradict(p.Request.Verb, ev.Verb) {
			c.finish(p, CodeFailed, fmt.Sprintf("%s of %q superseded: %s asked to %s it", p.Request.Verb, ev.Service, ev.By, ev.Verb))
		}
	}
}

func contradict(a, b Verb) bool {
	return a != b && (a == Stop || b == Stop) && bringsUpOrDown(a) && bringsUpOrDown(b)
}

func bringsUpOrDown(v Verb) bool { return v == Start || v == Stop || v == Restart }

// join lets a request share what the same person asked for just before.
func (c *turn) join(s *Service, p *Pending) {
	for _, id := range s.Queue {
		o := c.st.Requests[id]
		if o == p || !o.Request.sameWish(p.Request) {
			continue
		}
		p.Started = o.Started
		if o.Acting && s.Act != nil {
			p.Acting = true
			s.Act.Act.Requests = append(s.Act.Act.Requests, p.Request.ID)
		}
		return
	}
}

func (r Request) sameWish(o Request) bool {
	return bringsUpOrDown(r.Verb) && r.Verb == o.Verb && r.By == o.By &&
		r.Override == o.Override && r.OverrideInterlock == o.OverrideInterlock && r.WithDependents == o.WithDependents
}

// cancel drops what has not begun.
func (c *turn) cancel(ev CancelRequest) {
	p := c.st.Requests[ev.ID]
	if p == nil {
		c.ignore("no such request, or answered")
		return
	}
	c.drop(p)
}

// finish gives the final answer. A request that is gone already is left alone.
func (c *turn) finish(p *Pending, code int, text string) {
	if p == nil || c.st.Requests[p.Request.ID] != p {
		return
	}
	c.drop(p)
	c.emit(Reply{Request: p.Request.ID, Code: code, Text: text})
}

func (c *turn) drop(p *Pending) {
	delete(c.st.Requests, p.Request.ID)
	if s := c.st.Services[p.Request.Service]; s != nil {
		if i := slices.Index(s.Queue, p.Request.ID); i >= 0 {
			s.Queue = slices.Delete(s.Queue, i, i+1)
		}
		c.serve(s) // whoever waited behind it
		c.servePlans(s)
		c.changed = append(c.changed, s) // and whoever needs it, and waited for its start
	}
}

// progress says what a request waits for, once.
func (c *turn) progress(p *Pending, text string) {
	if p.Told != text {
		p.Told = text
		c.emit(Reply{Request: p.Request.ID, Text: text, Progress: true})
	}
}

// answer finishes the requests of an Act: those for this service with the
// outcome, those that needed it on their way only when it failed.
func (c *turn) answer(s *Service, a Act, code int, text string) {
	for _, id := range slices.Clone(a.Requests) {
		p := c.st.Requests[id]
		switch {
		case p == nil:
		case p.Request.Service == s.Spec.Name:
			c.finish(p, code, text)
		case code != CodeDone:
			c.finish(p, code, fmt.Sprintf("cannot %s %q: it must take down %q first: %s", p.Request.Verb, p.Request.Service, s.Spec.Name, text))
		}
	}
}

// failPending answers those who wait for the instance that ended to be ready.
func (c *turn) failPending(s *Service, text string) {
	for _, id := range slices.Clone(s.Queue) {
		if p := c.st.Requests[id]; p.Started && !s.satisfied() {
			c.finish(p, CodeFailed, text)
		}
	}
}

// serve has the queue of s worked off at the end of this step, when nothing else
// is half done.
func (c *turn) serve(s *Service) {
	if len(s.Queue) > 0 {
		c.serving = append(c.serving, s)
	}
}

// workOff goes through the queue as far as it can: until an Act is in flight or
// the first request has to wait.
func (c *turn) workOff(s *Service) {
	c.touched = append(c.touched, s)
	for len(s.Queue) > 0 && s.Act == nil && s.Known && c.advance(s, c.st.Requests[s.Queue[0]]) {
	}
}

// advance brings the request forward and reports whether it was answered.
func (c *turn) advance(s *Service, p *Pending) bool {
	r := p.Request
	switch {
	case s.Tries > 0 && s.RetryAt > c.now:
		return false // the gate was busy: the deadline comes back here
	case p.Tries > 0 && s.Observing:
		return false // what it was tried on was out of date: the observation comes back here
	}
	if hasKind(s.EffectiveHolds(), HoldInterlock) && !r.OverrideInterlock && !p.Started && r.Verb != Stop {
		held := s.EffectiveHolds()
		checks, locks := without(held, HoldLock, HoldOperatorStop, HoldRestartLimit, HoldUnreadable), locksOf(held)
		override := "does it all the same"
		if len(locks) > 0 {
			override = "passes the check, and not the lock"
		}
		c.finish(p, CodeHeld, fmt.Sprintf("cannot %s %q: %s; --override-interlock -m REASON %s", r.Verb, r.Service, holdsText(append(checks, locks...)), override))
		return true
	}
	switch {
	case r.Verb == Stop:
		return c.advanceStop(s, p)
	case r.Verb == Start, r.Verb == Restart && (!s.Running || p.Started):
		return c.advanceStart(s, p)
	case !s.Running && len(locksOf(s.Holds)) == 0: // else the gate says first whether he may
		c.finish(p, CodeFailed, fmt.Sprintf("cannot %s %q: it does not run (%s: %s)", r.Verb, r.Service, s.Phase, s.Why))
		return true
	case r.Verb == Restart:
		// Its start would be refused once it is down: better that it goes on running.
		if code, text := c.obstacle(s, p.Asked, map[string]bool{}); text != "" {
			c.finish(p, code, fmt.Sprintf("cannot restart %q: it needs %s%s", r.Service, text, s.itself()))
			return true
		}
		if c.awaitUp(s, p) {
			return false
		}
	}
	return c.actFor(s, p, Act{Verb: r.Verb, Signal: r.Signal, ClearHolds: r.Verb == Restart})
}

func (c *turn) advanceStart(s *Service, p *Pending) bool {
	name := s.Spec.Name
	switch {
	case p.Started && s.satisfied():
		c.finish(p, CodeDone, fmt.Sprintf("%q is %s", name, s.Phase))
		return true
	case p.Started && s.Running:
		return false
	case p.Started:
		c.finish(p, CodeFailed, fmt.Sprintf("cannot %s %q: %s", p.Request.Verb, name, s.Why))
		return true
	case s.Running && s.satisfied():
		s.Want = WantUp
		if !s.Raised && hasKind(s.EffectiveHolds(), HoldOperatorStop, HoldRestartLimit) {
			c.clearHolds(s)
		}
		c.finish(p, CodeDone, fmt.Sprintf("%q is up already", name))
		return true
	case s.Running:
		p.Started = true // somebody else's start: wait with it
		return false
	}
	if answered, wait := c.startBlocked(s, p); answered || wait {
		return answered
	}
	return c.actFor(s, p, Act{Verb: Start, ClearHolds: true})
}

// actFor puts the request's own Act in flight. It reports whether the request
// was answered at once, as observe mode does.
func (c *turn) actFor(s *Service, p *Pending, a Act) bool {
	r := p.Request
	a.By, a.Reason, a.Override, a.OverrideInterlock, a.Requests = r.By, r.Reason, r.Override, r.OverrideInterlock, []uint64{r.ID}
	if a.Reason == "" {
		a.Reason = "asked by " + r.By
	}
	p.Acting = c.act(s, a)
	return !p.Acting
}

// startBlocked looks at the prerequisites of a start: it fails the request when
// one is held or has failed since, and otherwise asks up those that are missing.
func (c *turn) startBlocked(s *Service, p *Pending) (answered, wait bool) {
	code, text := c.obstacle(s, p.Asked, map[string]bool{})
	if text != "" {
		c.finish(p, code, fmt.Sprintf("cannot %s %q: it needs %s%s", p.Request.Verb, s.Spec.Name, text, s.itself()))
		return true, false
	}
	wait = c.awaitUp(s, p)
	for _, name := range s.Spec.DependsOn {
		if d := c.st.Services[name]; !d.satisfied() && !c.goingUp(d) {
			c.pull(d, s.Spec.Name)
			c.progress(p, fmt.Sprintf("waiting for %q to be ready", name))
			wait = true
		}
	}
	return false, wait
}

// itself adds to a refusal for the sake of another service the locks on this one: whoever asks has to know of both.
func (s *Service) itself() string {
	if locks := locksOf(s.Holds); len(locks) > 0 {
		return fmt.Sprintf("; %q itself is %s", s.Spec.Name, holdsText(locks))
	}
	return ""
}

// obstacle finds, at any depth, a prerequisite that cannot be had.
func (c *turn) obstacle(s *Service, asked Instant, seen map[string]bool) (code int, text string) {
	seen[s.Spec.Name] = true
	for _, name := range s.Spec.DependsOn {
		p := c.st.Services[name]
		switch {
		case p == nil:
			return CodeFailed, fmt.Sprintf("%q, which is not configured", name)
		case p.satisfied() || p.Running || seen[name] || c.goingUp(p): // its own answer comes first
			continue
		case p.held():
			return CodeHeld, fmt.Sprintf("%q, %s", name, holdsText(p.EffectiveHolds()))
		case p.Phase == Failed, p.Phase == Backoff && p.Since > asked:
			return CodeFailed, fmt.Sprintf("%q, which failed: %s", name, p.Why)
		}
		if code, text := c.obstacle(p, asked, seen); text != "" {
			return code, text
		}
	}
	return 0, ""
}

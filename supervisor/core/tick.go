package core

// NextDeadline returns when a Tick is due, 0 if nothing waits for a time. O(1).
func NextDeadline(st *State) Instant {
	x := st.idx()
	var at Instant
	if len(x.timers) > 0 {
		at = x.timers[0].at
	}
	if cl := st.Closing; cl != nil && !cl.Done {
		at = earliest(at, cl.By)
	}
	return at
}

// tick fires what is due.
func (c *turn) tick() {
	fired := false
	for len(c.x.timers) > 0 && c.x.timers[0].at <= c.now {
		s := c.x.timers[0].s
		c.fire(s)
		c.x.arm(s) // now, or it would be found due again
		fired = true
	}
	c.closingLate()
	if !fired && c.st.Closing == nil {
		c.ignore("nothing is due")
	}
}

// fire lets the deadlines of s that have come do their work: to look, or to be
// ready. Each is cleared, so that none fires twice.
func (c *turn) fire(s *Service) {
	c.touched = append(c.touched, s)
	clearDue(&s.RetryAt, c.now)
	clearDue(&s.SettleUntil, c.now)
	for i := range s.Failing {
		clearDue(&s.Failing[i].NotBefore, c.now)
	}
	if s.Phase == Starting && clearDue(&s.ReadyBy, c.now) {
		if s.Spec.Ready.byTime() {
			c.becomeReady(s)
		} else {
			s.TooLate = true
		}
	}
	if s.Phase == Up && clearDue(&s.WatchBy, c.now) {
		c.emit(Pulse{s.Spec.Name})
	}
	if s.Vanished || len(s.Queue) > 0 || c.wantsLook(s) {
		c.look(s)
	}
	c.servePlans(s)
}

func clearDue(at *Instant, now Instant) bool {
	if *at == 0 || *at > now {
		return false
	}
	*at = 0
	return true
}

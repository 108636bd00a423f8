package core

// configure adds a service or renews its spec; no process is touched.
func (c *turn) configure(ev Configure) {
	name := ev.Spec.Name
	if name == "" {
		c.ignore("a service without a name")
		return
	}
	s := c.st.Services[name]
	if s == nil {
		s = &Service{Spec: ev.Spec, PlanGen: ev.PlanGen, Why: "not looked at yet", Since: c.now}
		c.st.Services[name] = s
		c.x.link(s)
		c.touched = append(c.touched, s)
		if c.st.Closing == nil {
			c.look(s)
		}
		return
	}
	c.touched = append(c.touched, s)
	c.x.unlink(s)
	back := s.Orphaned
	s.Spec, s.PlanGen, s.Orphaned, s.Forgotten = ev.Spec, ev.PlanGen, false, false
	c.x.link(s)
	if !s.hasTimes() {
		s.Due = false // what came was the time of a job
	}
	if back && s.Phase == Failed && !hasKind(s.Holds, HoldRestartLimit) {
		// Without a config it could not be started again; that is over.
		s.RetryAt = 0
		c.enter(s, Down, "in the configuration again")
	}
	// A prerequisite may have gone from its list: it may start, or its request go on.
	if c.wantsLook(s) {
		c.look(s)
	}
	c.serve(s)
}

func (c *turn) orphan(ev Orphan) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if s.Orphaned {
		c.ignore("orphaned already")
	}
	s.Orphaned, s.Due = true, false
}

func (c *turn) forget(ev Forget) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	for len(s.Queue) > 0 {
		c.finish(c.st.Requests[s.Queue[0]], CodeNotFound, `no such service "`+ev.Service+`": it was taken out of the configuration`)
	}
	if s.Act != nil {
		s.Forgotten = true // its Result must find it
		return
	}
	c.remove(s)
}

func (c *turn) remove(s *Service) {
	c.x.unlink(s)
	c.x.remove(s)
	delete(c.st.Services, s.Spec.Name)
	c.settled(s)
	c.changed = append(c.changed, s)
}

package core

import (
	"fmt"
	"slices"
	"strings"
)

// advanceStop stops a service, after its dependents where the request says so.
func (c *turn) advanceStop(s *Service, p *Pending) bool {
	r := p.Request
	up := c.liveDependents(s)
	if len(up) == 0 || r.KeepDependents {
		return c.actFor(s, p, Act{Verb: Stop, Hold: stopHold(r)})
	}
	if !r.WithDependents && c.awaitDown(p, up) {
		return false
	}
	names := make([]string, len(up))
	for i, d := range up {
		names[i] = fmt.Sprintf("%q", d.Spec.Name)
	}
	if !r.WithDependents {
		c.finish(p, CodeDecide, fmt.Sprintf("cannot stop %q: running services need it: %s; --with-dependents stops them too", r.Service, strings.Join(names, ", ")))
		return true
	}
	c.progress(p, "stopping "+strings.Join(names, ", ")+" first")
	return c.stopLeaves(up, p)
}

// stopLeaves stops those of the services that no other of them needs.
func (c *turn) stopLeaves(up []*Service, p *Pending) (answered bool) {
	waiting := false
	var leaves []*Service
	for _, d := range up {
		d.plan(p.Request.ID)
		switch {
		case d.Act != nil || (d.Tries > 0 && d.RetryAt > c.now):
			waiting = true
		case !slices.ContainsFunc(up, func(o *Service) bool { return slices.Contains(o.Spec.DependsOn, d.Spec.Name) }):
			leaves = append(leaves, d)
		}
	}
	if len(leaves) == 0 && !waiting {
		leaves = up // a circle, which config forbids: all at once
	}
	r := p.Request
	for _, d := range leaves {
		if d.Act != nil {
			continue
		}
		c.touched = append(c.touched, d)
		a := Act{Verb: Stop, By: r.By, Reason: fmt.Sprintf("stop of %q with its dependents", r.Service), Override: r.Override,
			OverrideInterlock: r.OverrideInterlock, Requests: []uint64{r.ID}, Hold: stopHold(r)}
		if !c.act(d, a) {
			return true // observe mode has answered
		}
	}
	return false
}

func stopHold(r Request) *HoldSpec {
	return &HoldSpec{Kind: HoldOperatorStop, By: r.By, Reason: r.Reason}
}

// LiveDependents names the services, at any distance, that need this one and run or are being started, in order.
func LiveDependents(st *State, service string) []string {
	s := st.Services[service]
	if s == nil {
		return nil
	}
	var names []string
	c := turn{st: st, x: st.idx()}
	for _, d := range c.liveDependents(s) {
		names = append(names, d.Spec.Name)
	}
	return names
}

// liveDependents returns all services, at any distance, that need s and run or
// are being started, in order of name.
func (c *turn) liveDependents(s *Service) []*Service {
	seen := map[string]bool{s.Spec.Name: true}
	var out []*Service
	for todo := []string{s.Spec.Name}; len(todo) > 0; todo = todo[1:] {
		for _, name := range c.x.dependents[todo[0]] {
			d := c.st.Services[name]
			if d == nil || seen[name] {
				continue
			}
			seen[name] = true
			todo = append(todo, name)
			if d.Running || (d.Act != nil && d.Act.Act.Verb == Start) {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Service) int { return strings.Compare(a.Spec.Name, b.Spec.Name) })
	return out
}

// plan notes that a request to stop another service waits for this one.
func (s *Service) plan(request uint64) {
	if !slices.Contains(s.Plans, request) {
		s.Plans = append(s.Plans, request)
	}
}

// servePlans goes on with the stops of other services that wait for this one.
func (c *turn) servePlans(s *Service) {
	s.Plans = slices.DeleteFunc(s.Plans, func(id uint64) bool { return c.st.Requests[id] == nil })
	for _, id := range s.Plans {
		c.serve(c.st.Services[c.st.Requests[id].Request.Service])
	}
}

package core

import (
	"slices"
	"strings"
)

// index is what can be derived from the state and is asked for at every event:
// who depends on whom, which deadline is next, how many acts are in flight.
type index struct {
	dependents map[string][]string // by prerequisite, names in order
	timers     []timer             // binary heap
	acts       int
}

type timer struct {
	at Instant
	s  *Service
}

// idx returns the index, built anew after New or after reading JSON.
func (st *State) idx() *index {
	if st.index != nil {
		return st.index
	}
	st.index = &index{dependents: map[string][]string{}}
	if st.Services == nil {
		st.Services = map[string]*Service{}
	}
	if st.Requests == nil {
		st.Requests = map[uint64]*Pending{}
	}
	for _, name := range st.names() {
		s := st.Services[name]
		s.slot = 0
		st.index.link(s)
		st.index.arm(s)
		if s.Act != nil {
			st.index.acts++
		}
	}
	return st.index
}

// names returns all service names in order. O(n log n): not for every event.
func (st *State) names() []string {
	out := make([]string, 0, len(st.Services))
	for n := range st.Services {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// link enters s into the lists of its prerequisites.
func (x *index) link(s *Service) {
	for _, p := range s.Spec.DependsOn {
		list := x.dependents[p]
		if i, found := slices.BinarySearch(list, s.Spec.Name); !found {
			x.dependents[p] = slices.Insert(list, i, s.Spec.Name)
		}
	}
}

// unlink takes s out of the lists of its prerequisites.
func (x *index) unlink(s *Service) {
	for _, p := range s.Spec.DependsOn {
		list := x.dependents[p]
		if i, found := slices.BinarySearch(list, s.Spec.Name); found {
			x.dependents[p] = slices.Delete(list, i, i+1)
		}
		if len(x.dependents[p]) == 0 {
			delete(x.dependents, p)
		}
	}
}

// deadline is the time at which s wants a Tick, 0 for none. While an answer of
// the shell is awaited there is none: the answer comes first and arms anew.
func (s *Service) deadline() Instant {
	if s.Act != nil || s.Observing {
		return 0
	}
	at := earliest(s.RetryAt, s.SettleUntil)
	if s.Phase == Starting {
		at = earliest(at, s.ReadyBy)
	}
	if s.Phase == Up {
		at = earliest(at, s.WatchBy)
	}
	for _, f := range s.Failing {
		if !f.Acted {
			at = earliest(at, f.NotBefore)
		}
	}
	return at
}

// earliest returns the smaller of two instants of which 0 means none.
func earliest(a, b Instant) Instant {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// arm puts s at its place in the heap, or takes it out.
func (x *index) arm(s *Service) {
	at := s.deadline()
	switch {
	case at == 0 && s.slot == 0:
	case at == 0:
		x.remove(s)
	case s.slot == 0:
		x.timers = append(x.timers, timer{at, s})
		s.slot = len(x.timers)
		x.up(s.slot - 1)
	case x.timers[s.slot-1].at != at:
		x.timers[s.slot-1].at = at
		x.down(x.up(s.slot - 1))
	}
}

func (x *index) remove(s *Service) {
	i, last := s.slot-1, len(x.timers)-1
	if i < 0 {
		return
	}
	x.swap(i, last)
	x.timers = x.timers[:last]
	s.slot = 0
	if i < last {
		x.down(x.up(i))
	}
}

func (x *index) less(i, j int) bool {
	a, b := x.timers[i], x.timers[j]
	if a.at != b.at {
		return a.at < b.at
	}
	// The name decides between equals, or a replay would depend on history.
	return strings.Compare(a.s.Spec.Name, b.s.Spec.Name) < 0
}

func (x *index) swap(i, j int) {
	x.timers[i], x.timers[j] = x.timers[j], x.timers[i]
	x.timers[i].s.slot, x.timers[j].s.slot = i+1, j+1
}

func (x *index) up(i int) int {
	for i > 0 && x.less(i, (i-1)/2) {
		x.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (x *index) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(x.timers) {
			return
		}
		if c+1 < len(x.timers) && x.less(c+1, c) {
			c++
		}
		if !x.less(c, i) {
			return
		}
		x.swap(i, c)
		i = c
	}
}

package supervisor

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// inOrder puts those of the services that others need, also through services that are not named, before these; otherwise
// the order stays.
func (s *Supervisor) inOrder(names []string) []string {
	out, seen := make([]string, 0, len(names)), map[string]bool{}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if conf := s.services.conf(name); conf != nil {
			for _, needed := range conf.DependsOn {
				visit(needed)
			}
		}
		if wanted[name] {
			out = append(out, name)
		}
	}
	for _, name := range names {
		visit(name)
	}
	return out
}

// orderFor is the order in which the core is to hear of one wish about several services: what is needed first, and for a
// stop, what needs it (core, together.go).
func (s *Supervisor) orderFor(verb core.Verb, names []string) []string {
	out := s.inOrder(names)
	if verb == core.Stop {
		slices.Reverse(out)
	}
	return out
}

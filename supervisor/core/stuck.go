package core

import "fmt"

// Stuck says why a service that does not run will not come up unless a person acts: what holds it, or what it needs. "" if
// it may: it runs, something is under way, or what is in the way can pass by itself, as a check that interlocks it can. A
// lock that is the asker's own (mine, by its id) is in nobody's way but theirs.
func Stuck(st *State, service string, mine func(lockID string) bool) string {
	return stuck(st, service, mine, map[string]bool{})
}

func stuck(st *State, service string, mine func(lockID string) bool, seen map[string]bool) string {
	s := st.Services[service]
	if s == nil || seen[service] || !s.Known || s.Running || s.satisfied() || s.Act != nil || s.Observing || len(s.Queue) > 0 {
		return ""
	}
	seen[service] = true
	held := s.EffectiveHolds()
	for _, h := range held {
		if h.Kind == HoldLock && mine(h.LockID) {
			return ""
		}
	}
	if lasting := without(held, HoldInterlock); len(lasting) > 0 {
		return fmt.Sprintf("%q is %s", service, holdsText(lasting))
	}
	if s.Want != WantUp {
		return ""
	}
	for _, name := range s.Spec.DependsOn {
		if why := stuck(st, name, mine, seen); why != "" {
			return fmt.Sprintf("%q needs %q, and %s", service, name, why)
		}
	}
	return ""
}

package supervisor

import (
	"slices"
	"strings"

	"github.com/supd/supd/lockfile"
)

// withInstances adds the instances of the services named.
func (s *Supervisor) withInstances(names []string) []string {
	out := slices.Clone(names)
	for _, other := range s.services.names() {
		for _, name := range names {
			if other != name && lockfile.ServiceTarget(name).Names(other) && !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}

// byInstance orders web@2 before web@10.
func byInstance(a, b string) int {
	if strings.Contains(a, "@") && strings.Contains(b, "@") && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

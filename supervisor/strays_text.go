package supervisor

import (
	"fmt"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// strayText is the alarm in one line: what, who, from where, and what to do.
func strayText(service string, v api.Stray, locks []lockfile.Lock) string {
	by := make([]string, 0, len(locks))
	for _, o := range owners(locks) {
		by = append(by, o.String())
	}
	return fmt.Sprintf("started under lock: %q is meant to be down under the lock of %s, but %s; find out why, end it, and go on; supctl show %s",
		service, strings.Join(by, ", "), v.String(), service)
}

// strayLines are for explain.
func (s *Supervisor) strayLines(service string) []string {
	var lines []string
	for _, v := range s.strays.of(service) {
		lines = append(lines, "started under lock: "+v.String())
	}
	return lines
}

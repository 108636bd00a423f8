package supervisor

import (
	"context"
	"fmt"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// GuardRefused records what the gate refused to a guard, which asks the files and not supd. Who holds the service is read here: a peer's
// word for it would be a claim.
func (s *Supervisor) GuardRefused(_ context.Context, p api.Peer, g api.GuardRefused) (api.GuardReply, error) {
	name, err := s.one("guard", g.Service)
	if err != nil {
		return api.GuardReply{}, err
	}
	c := s.dir.Cover(name)
	c.Holds = nil // only locks, and what cannot be read, refuse a guard
	why := "what held it is gone by now"
	if hs := coreHolds(c, nil); len(hs) > 0 {
		why = core.HoldsText(hs)
	}
	by := lockfile.GuardBy + p.Owner.String()
	s.record(core.EvSuppressed, name, journal.Notice, fmt.Sprintf("a command on %q was refused to %s: %s; not run: %s", name, by, why, g.Command),
		map[string]string{"verb": string(core.Exec), "by": by})
	s.metrics.suppressed(name, string(core.Exec))
	s.recorded()
	return api.GuardReply{Recorded: true}, nil
}

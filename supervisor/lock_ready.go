package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/supd/supd/lockfile"
)

// expected is how long a lock is meant to last: what was said, else the shortest default of the services it covers.
func (s *Supervisor) expected(covered []string, said float64) time.Duration {
	if said > 0 {
		return seconds(said)
	}
	plan, _ := s.inForce()
	d := plan.Maintenance.DefaultDuration
	for _, name := range covered {
		if conf := s.services.conf(name); conf != nil && conf.Maintenance.DefaultDuration > 0 {
			d = min(d, conf.Maintenance.DefaultDuration)
		}
	}
	return d
}

// policy is what a reason and a ticket leave to be said, in words, and which of the two ("reason", "ticket") the person
// could say. Policy never refuses a lock.
func (s *Supervisor) policy(covered []string, reason, ticket string) (missing, sayable []string) {
	missing = []string{}
	miss := func(what, text string) {
		if !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
		if !slices.Contains(sayable, what) {
			sayable = append(sayable, what)
		}
	}
	for _, name := range covered {
		conf := s.services.conf(name)
		if conf == nil {
			continue
		}
		if conf.Maintenance.RequireReason && reason == "" {
			miss("reason", "a reason is required: run the same command with -m REASON")
		}
		if !conf.Maintenance.TicketOK(ticket) {
			miss("ticket", fmt.Sprintf("a ticket that matches %q is required: run the same command with --ticket ID", conf.Maintenance.TicketWanted()))
		}
	}
	return missing, sayable
}

// preconditions runs the checks that have to pass before work begins, and says which do not.
func (s *Supervisor) preconditions(ctx context.Context, covered []string) []string {
	var missing []string
	for _, name := range covered {
		conf := s.services.conf(name)
		if conf == nil {
			continue
		}
		for _, check := range conf.Maintenance.Require {
			if why := s.checks.require(ctx, name, check); why != "" && !slices.Contains(missing, why) {
				missing = append(missing, why)
			}
		}
	}
	return missing
}

// noteNotReady writes what is missing into the lock files, so that list and other programs see it.
func (s *Supervisor) noteNotReady(ctx context.Context, owner lockfile.Owner, locks []lockfile.Lock, missing []string) []lockfile.Lock {
	for i, l := range locks {
		if slices.Equal(l.NotReady, missing) || len(l.NotReady) == 0 && len(missing) == 0 {
			continue
		}
		changed, err := s.dir.Rewrite(ctx, l.ID, owner, func(l *lockfile.Lock) { l.NotReady = missing })
		if err != nil {
			s.log.Warn("cannot note in the lock that it is not ready", "lock", l.ID, "err", err)
			continue
		}
		locks[i] = changed
	}
	return locks
}

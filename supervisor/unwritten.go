package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// A supd that could not put its config in force when it started (a full disk, a read-only one) knows neither whether its services
// are what plan.toml says nor who is in which group: it watches them, and holds them all, until the plan is written.

// unwritten is why everything is held.
type unwritten struct {
	lockfile.Unreadable
	since time.Time
}

var errUnwritten = errors.New("cannot put the config in force")

// planRetry is the pause between attempts to write the plan.
const planRetry = 2 * time.Second

// unenforced holds everything because of err, and tries again until the plan is in force. Called before the loop runs.
func (s *Supervisor) unenforced(err error) {
	cause := err
	if errno := unix.Errno(0); errors.As(err, &errno) {
		cause = errno // one line in a table; the problem has it in full
	}
	s.unwritten.Store(&unwritten{lockfile.Unreadable{Path: s.dir.Path(), Err: fmt.Errorf("%w: %w", errUnwritten, cause)}, time.Now()})
	s.problem("plan", errUnwritten.Error()+": "+err.Error()+"; services are watched, and held until the state directory can be written; supd tries again every "+planRetry.String())
	s.adoptPlan(s.plan, nil)
	s.grant(s.plan.API)
	go s.retryPlan()
}

func (s *Supervisor) retryPlan() {
	select {
	case <-s.ctx.Done():
		return
	case <-s.ready: // what runs has been adopted by the config that was loaded
	}
	for s.unwritten.Load() != nil {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(planRetry):
		}
		s.tryPlan()
	}
}

// tryPlan is one attempt. enforce forgets what held if it succeeds, as a reload's does.
func (s *Supervisor) tryPlan() {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.unwritten.Load() == nil { // a reload was first
		return
	}
	if plan, _ := s.inForce(); s.enforce(s.ctx, plan) == nil {
		s.follow(plan)
	}
}

// enforced forgets that everything was held, now that a plan is in force.
func (s *Supervisor) enforced(plan *configs.Plan) {
	if s.unwritten.Swap(nil) == nil {
		return
	}
	s.solved("plan")
	names := s.services.names()
	s.log.Info("the config is in force now", "services", len(plan.Services))
	go s.holdsChanged(slices.Clone(names))
}

// addOnlyHere adds to a fresh cover what only this supd knows, beside holds in memory.
func (s *Supervisor) addOnlyHere(name string, c *lockfile.Cover) {
	if u := s.unwritten.Load(); u != nil {
		c.Unreadable = append(slices.Clone(c.Unreadable), u.Unreadable)
	}
	s.vanished.add(s.dir.Path(), name, c)
}

// unwrittenHold is the same for the gate, which reads files alone. It keeps people out as well: what they would start may be
// something else in the plan that is on disk.
func (s *Supervisor) unwrittenHold(service string) []lockfile.Hold {
	u := s.unwritten.Load()
	if u == nil {
		return nil
	}
	return []lockfile.Hold{{Service: service, Kind: lockfile.HoldKind(core.HoldUnreadable), By: "supd", Since: u.since, Reason: u.Path + ": " + u.Err.Error()}}
}

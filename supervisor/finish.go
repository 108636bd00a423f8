package supervisor

import (
	"errors"
	"fmt"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// inherit notes what an earlier supd had in flight on the service: r, zero if nothing. v.mu must be held, or nobody else
// know v yet.
func (v *service) inherit(r lockfile.Record, boot string) {
	stops := r.Verb == lockfile.VerbStop || r.Verb == lockfile.VerbRestart
	if r.BootID != boot || !r.TermSent && !stops {
		return
	}
	v.unfinished = true
	if r.TermSent {
		v.halfStopped = proc.Identity{BootID: r.BootID, PID: r.Target.PID, StartTime: r.Target.Start}
	}
}

// finishStops ends what earlier supds and their helpers began to stop and did not live to finish, or do not live to while
// this supd runs: until it is gone, every action on it waits, and every lock.
func (s *Supervisor) finishStops() {
	for _, name := range s.services.names() {
		if svc := s.services.get(name); svc.unfinished {
			go s.finishStop(svc)
		}
	}
}

// finishStop waits for the helper, which outlives its supd and does it in the ordinary case, and then does what is left.
func (s *Supervisor) finishStop(svc *service) {
	for {
		err := s.dir.AwaitHelpers(s.ctx, svc.name)
		if s.ctx.Err() != nil {
			return
		}
		if err == nil {
			done := s.acts()
			if done == nil {
				return
			}
			err = s.dir.Finish(s.ctx, svc.name, func(p *lockfile.Permit) error { return s.stop(p, svc, core.Act{}) })
			done()
		}
		var busy *lockfile.BusyError
		switch {
		case err == nil:
			s.solved("stop:" + svc.name)
			return
		case !errors.As(err, &busy): // else somebody has the gate, and Finish has waited for him
			s.problem("stop:"+svc.name, fmt.Sprintf("cannot finish the stop of %q that was begun: %v", svc.name, err))
			return
		}
	}
}

// stoppedByRecord says whether the process was told to end by an action that an earlier supd began and its helper goes on
// with: then its end is no stop by somebody else.
func (s *Supervisor) stoppedByRecord(svc *service, p *proc.Process) bool {
	if !svc.unfinished {
		return false
	}
	records, _ := s.dir.Records() // one that cannot be read proves nothing: then it is held
	for _, r := range records {
		if r.Service == svc.name && r.TermSent && r.Target.PID == p.PID() && r.Target.Start == p.Identity().StartTime {
			return true
		}
	}
	return false
}

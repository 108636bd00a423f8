package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/supervisor/core"
)

// explainJob adds what is known of a job's runs.
func (s *Supervisor) explainJob(reply *api.ExplainReply, v *core.Service, at time.Time) {
	w := s.jobs.status(reply.Service, v.Skipped)
	if w == nil {
		return
	}
	say := func(format string, a ...any) { reply.Lines = append(reply.Lines, fmt.Sprintf(format, a...)) }
	if w.LastEnd != nil {
		say("its last run ended %s: %s %s, after %v", w.LastEnd.Format(time.RFC3339), w.LastResult, w.LastExit,
			(time.Duration(w.LastDurationS * float64(time.Second))).Round(time.Millisecond))
	}
	if w.Skipped > 0 {
		say("its time came %d times while it ran, or was held, since supd started: those runs are left out, not made up for", w.Skipped)
	}
	if w.NextRun == nil {
		say("it has no schedule: it runs when somebody starts it, or when something needs it")
		return
	}
	next, what := jobNext(w, at), "is run"
	if len(v.EffectiveHolds()) > 0 {
		next, what = next+"; a run whose time comes while it is held is left out", "its time comes (left out while it is held)"
	}
	say("by its schedule (%s): %s", w.Schedule, next)
	if reply.NextTimer == nil {
		reply.NextTimer, reply.NextWhat = w.NextRun, what
	}
}

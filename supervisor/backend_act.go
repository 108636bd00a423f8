package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// Act does what an operator asks of services: each is tried, and the first failure gives the code.
func (s *Supervisor) Act(ctx context.Context, p api.Peer, a api.Action, progress api.Progress) (api.ActionReply, error) {
	names, err := s.resolve(a.Targets)
	if err != nil {
		return api.ActionReply{}, err
	}
	base := core.Request{
		Verb: core.Verb(a.Verb), By: p.Owner.String(), Reason: a.Reason,
		Override: a.Override, OverrideInterlock: a.OverrideInterlock, WithDependents: a.WithDependents,
	}
	if base.Verb == core.Signal {
		if base.Signal, err = configs.SignalNumber(a.Signal); err != nil {
			return api.ActionReply{}, api.Errorf(api.CodeUsage, "%v", err)
		}
	}
	if a.TimeoutS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seconds(a.TimeoutS))
		defer cancel()
	}
	// All are asked for before any is waited for: together they are one wish.
	waits := make(map[string]func() api.ActionResult, len(names))
	for _, name := range s.orderFor(base.Verb, names) {
		r := base
		r.Service = name
		waits[name] = s.askFor(ctx, p.Owner, r, a.NoWait, progress)
	}
	results := make([]api.ActionResult, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { results[i] = waits[name]() })
	}
	all.Wait()
	s.recorded()
	reply := api.ActionReply{Results: results}
	for _, r := range results {
		if reply.Code == api.CodeDone {
			reply.Code = r.Code
		}
	}
	return reply, nil
}

// actOn takes one wish to its end.
func (s *Supervisor) actOn(ctx context.Context, owner lockfile.Owner, r core.Request, progress api.Progress) api.ActionResult {
	return s.askFor(ctx, owner, r, false, progress)()
}

// askFor gives the core one wish, and gives what waits for its answer. With noWait there is none to wait for.
func (s *Supervisor) askFor(ctx context.Context, owner lockfile.Owner, r core.Request, noWait bool, progress api.Progress) (wait func() api.ActionResult) {
	var tell api.Progress
	if progress != nil && !noWait {
		tell = func(text string) { progress(r.Service + ": " + text) }
	}
	q := s.makeWish(owner, &r, tell)
	if noWait {
		go func() { _, _ = s.wished(s.ctx, r, q) }() // its answer stands in the record
		return func() api.ActionResult {
			return api.ActionResult{Service: r.Service, Text: fmt.Sprintf("%s %s: asked for", r.Verb, r.Service)}
		}
	}
	return func() api.ActionResult { return s.actResult(ctx, owner, r, q) }
}

// actResult waits for the answer to a wish and tells it as the wire does.
func (s *Supervisor) actResult(ctx context.Context, owner lockfile.Owner, r core.Request, q *request) api.ActionResult {
	res := api.ActionResult{Service: r.Service}
	a, err := s.wished(ctx, r, q)
	if err != nil {
		res.Code, res.Text = api.CodeFailed, s.waitedTooLong(r, err)
		res.Next = "supctl explain " + r.Service
		return res
	}
	res.Code, res.Text = a.Code, a.Text
	switch a.Code {
	case api.CodeFailed:
		res.Next = "supctl logs " + r.Service
	case api.CodeHeld:
		res.Next = s.nextRefused(owner, r)
	}
	if p := s.services.get(r.Service); p != nil {
		if run := p.running(); run != nil {
			res.PID = run.PID()
		}
	}
	s.ask(s.ctx, func(st *core.State) {
		if v := st.Services[r.Service]; v != nil {
			res.State = v.Phase.String()
		}
	})
	return res
}

// waitedTooLong says what becomes of a wish that nobody waits for any longer.
func (s *Supervisor) waitedTooLong(r core.Request, err error) string {
	text := fmt.Sprintf("cannot wait for the %s of %q any longer", r.Verb, r.Service)
	switch line := s.inTheWay(r.Service); {
	case line != "":
		return text + ": it has not begun, and is not done any more; " + s.hide(line)
	case errors.Is(err, context.DeadlineExceeded):
		return text + ": its time is over; what has begun goes on"
	}
	return text + ": " + err.Error()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

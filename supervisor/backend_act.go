package supervisor

import (
	"context"
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
	results := make([]api.ActionResult, len(names))
	each := func(i int) {
		r := base
		r.Service = names[i]
		results[i] = s.actOn(ctx, p.Owner, r, a.NoWait, progress)
	}
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() { each(i) })
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

// actOn takes one wish to its end. With noWait the answer comes as soon as supd has taken it.
func (s *Supervisor) actOn(ctx context.Context, owner lockfile.Owner, r core.Request, noWait bool, progress api.Progress) api.ActionResult {
	res := api.ActionResult{Service: r.Service}
	var tell api.Progress
	if progress != nil {
		tell = func(text string) { progress(r.Service + ": " + text) }
	}
	if noWait {
		q := s.makeWish(owner, &r, nil)              // before the answer: a wait that follows must find it
		go func() { _, _ = s.wished(s.ctx, r, q) }() // its answer stands in the record
		res.Text = fmt.Sprintf("%s %s: asked for", r.Verb, r.Service)
		return res
	}
	a, err := s.wish(ctx, owner, r, tell)
	if err != nil {
		res.Code, res.Text = api.CodeFailed, fmt.Sprintf("cannot wait for the %s of %q any longer: %v", r.Verb, r.Service, err)
		res.Next = "supctl explain " + r.Service
		return res
	}
	res.Code, res.Text = a.Code, a.Text
	if a.Code == api.CodeFailed {
		res.Next = "supctl logs " + r.Service
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

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

package supervisor

import (
	"context"
	"fmt"
	"slices"
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
		go func() { _, _ = s.wish(s.ctx, owner, r, nil) }() // its answer stands in the record
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

// waitPause follows a change before a waiting client's condition is looked at again: when a thousand services start, one
// look serves many changes.
const waitPause = 20 * time.Millisecond

// Wait returns when all targets are up, down or ready, or with code 1 when the time is over.
func (s *Supervisor) Wait(ctx context.Context, p api.Peer, w api.Wait, progress api.Progress) (api.WaitReply, error) {
	if _, err := s.resolve(w.Targets); err != nil {
		return api.WaitReply{}, err
	}
	limit := ctx
	if w.TimeoutS > 0 {
		var cancel context.CancelFunc
		limit, cancel = context.WithTimeout(ctx, seconds(w.TimeoutS))
		defer cancel()
	}
	said := ""
	for {
		changed := s.bell.wait()
		st, err := s.Status(ctx, p, w.Targets)
		if err != nil {
			return api.WaitReply{}, err
		}
		at := slices.IndexFunc(st.Services, func(v api.ServiceStatus) bool { return !waitedFor(v, w.For) })
		if at < 0 && len(st.Services) > 0 {
			return api.WaitReply{Services: st.Services}, nil
		}
		if at >= 0 {
			if text := fmt.Sprintf("%s is %s", st.Services[at].Name, st.Services[at].State); text != said && progress != nil {
				said = text
				progress(text)
			}
		}
		select {
		case <-limit.Done():
			return api.WaitReply{Code: api.CodeFailed, Services: st.Services}, ctx.Err()
		case <-s.done:
			return api.WaitReply{}, errEnding
		case <-changed:
		}
		select {
		case <-limit.Done():
		case <-time.After(waitPause):
		}
	}
}

// waitedFor judges one service: up has a process, ready is up and every check passes, down has no process.
func waitedFor(v api.ServiceStatus, what string) bool {
	up := v.State == core.Up.String() || v.State == core.Done.String()
	switch what {
	case "ready":
		return up && v.Checks.Failing == 0 && v.Checks.Unknown == 0
	case "up":
		return up
	}
	return v.PID == 0 && v.State != core.Starting.String() && v.State != core.Stopping.String()
}

package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
)

// Show is everything about one service.
func (s *Supervisor) Show(ctx context.Context, p api.Peer, name string) (api.ShowReply, error) {
	name, err := s.one("show", name)
	if err != nil {
		return api.ShowReply{}, err
	}
	status, err := s.Status(ctx, p, []string{name})
	if err != nil {
		return api.ShowReply{}, err
	}
	if len(status.Services) == 0 {
		return api.ShowReply{}, api.Errorf(api.CodeFailed, "%q is not yet known, supd is starting", name)
	}
	reply := api.ShowReply{Service: status.Services[0], Command: []string{}, DependsOn: []string{}, Settings: map[string]string{}}
	plan, _ := s.inForce()
	reply.Dependents = []string{}
	for _, other := range sorted(maps.Keys(plan.Services)) {
		if slices.Contains(plan.Services[other].DependsOn, name) {
			reply.Dependents = append(reply.Dependents, other)
		}
	}
	svc := s.services.get(name)
	if conf := s.services.conf(name); conf != nil {
		reply.Command, reply.Dir, reply.User = conf.Command, conf.Written("dir"), conf.Written("user")
		reply.DependsOn = append(reply.DependsOn, conf.DependsOn...)
		reply.Settings = conf.Settings()
		if out, err := s.output(conf); err == nil {
			reply.Log = s.hide(orElse(out.File, out.Mode))
		}
	}
	reply.Processes = processes(svc.running())
	svc.mu.Lock()
	reply.LastExit = svc.last
	svc.mu.Unlock()
	reply.Checks = s.checks.list([]string{name})
	reply.Locks = s.lockView(p.Owner).Locks(s.dir.Cover(name).Locks)
	reply.Events, err = s.journal.Events(ctx, journal.Query{Service: name, Limit: showEvents})
	return reply, err
}

// showEvents is how many of the newest events show gives.
const showEvents = 10

// processes is the tree below a main process.
func processes(main *proc.Process) []api.Process {
	out := []api.Process{}
	if main == nil {
		return out
	}
	tree, err := proc.Tree(main.PID())
	if err != nil {
		return out
	}
	depth := map[int]int{}
	for _, st := range tree {
		d := 0
		if st.PID != main.PID() {
			d = depth[st.PPID] + 1
		}
		depth[st.PID] = d
		out = append(out, api.Process{
			PID: st.PID, Parent: st.PPID, Depth: d, StartedAt: tickTime(st.StartTime), Command: commandOf(st),
			RSS: st.RSS, Threads: st.Threads, CPU: cpuPercent(st),
		})
	}
	return out
}

// Explain says why a service is as it is.
func (s *Supervisor) Explain(ctx context.Context, _ api.Peer, name string) (api.ExplainReply, error) {
	name, err := s.one("explain", name)
	if err != nil {
		return api.ExplainReply{}, err
	}
	reply := api.ExplainReply{Service: name}
	if !s.ask(ctx, func(st *core.State) {
		at := time.Now()
		reply.Lines = core.Explain(st, name, now())
		v := st.Services[name]
		if v != nil && v.RetryAt != 0 {
			t := wall(v.RetryAt, at)
			reply.NextTimer, reply.NextWhat = &t, "looks at it again"
		}
		if v != nil {
			s.explainJob(&reply, v, at)
		}
	}) {
		return reply, errEnding
	}
	for _, l := range s.dir.Cover(name).Locks {
		for _, why := range s.missingNow(l) {
			reply.Lines = append(reply.Lines, fmt.Sprintf("the lock of %s is not ready: %s", l.Owner, why))
		}
	}
	if line := s.inTheWay(name); line != "" {
		reply.Lines = append(reply.Lines, s.hide(line))
	}
	if svc := s.services.get(name); svc != nil {
		reply.Lines = append(reply.Lines, s.strayLines(name)...)
		if line := svc.errandLine(); line != "" {
			reply.Lines = append(reply.Lines, line)
		}
		if line := s.keptBackLine(svc); line != "" {
			reply.Lines = append(reply.Lines, line)
		}
		if lack, left := svc.lacks(); len(lack) > 0 {
			reply.Lines = append(reply.Lines, limitsLine(lack, left))
		}
	}
	return reply, nil
}

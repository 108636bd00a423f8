package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// bringDown stops what the locks cover, as their owner's own action, and says what did not go down. Where somebody else's
// lock is in the way of that, being down already is enough, if it can be proven.
func (s *Supervisor) bringDown(ctx context.Context, owner lockfile.Owner, covered []string, progress api.Progress) []string {
	var failed []string
	for _, name := range s.orderFor(core.Stop, covered) {
		tell(progress, "stopping "+name)
		r := core.Request{Service: name, Verb: core.Stop, By: owner.String(), Reason: "maintenance start --stop", KeepDependents: true}
		res := s.actOn(ctx, owner, r, progress)
		if res.Code == api.CodeHeld && s.provenDown(ctx, name) {
			res.Code = api.CodeDone
		}
		if res.Code != api.CodeDone {
			failed = append(failed, res.Text)
			continue
		}
		if conf := s.services.conf(name); conf != nil {
			failed = append(failed, stillTaken(ctx, name, conf.Maintenance.MustBeFree)...)
		}
	}
	return failed
}

// provenDown says whether nothing of the service runs and nothing is under way: no process that is watched, none in its
// cgroup, and, where there are no cgroups, none that carries its mark.
func (s *Supervisor) provenDown(ctx context.Context, name string) bool {
	svc, down := s.services.get(name), false
	if svc == nil || !s.ask(ctx, func(st *core.State) {
		v := st.Services[name]
		down = v != nil && v.Known && !v.Running && v.Act == nil
	}) || !down || svc.running() != nil {
		return false
	}
	svc.mu.Lock()
	cgroup := svc.cgroup
	svc.mu.Unlock()
	if cgroup != "" {
		alive, err := (&proc.Cgroup{Path: cgroup}).Populated()
		return err == nil && !alive
	}
	left, err := proc.FindMarked(proc.Mark{Daemon: proc.DaemonOf(s.dir.Path()), Service: name})
	return err == nil && len(left) == 0
}

// shielded tells whoever takes services down under a lock what else runs that needs them: it is left as it is, and its
// failures are explained by what it needs.
func (s *Supervisor) shielded(ctx context.Context, covered []string) []string {
	var notes []string
	s.ask(ctx, func(st *core.State) {
		for _, name := range covered {
			others := slices.DeleteFunc(core.LiveDependents(st, name), func(d string) bool { return slices.Contains(covered, d) })
			if len(others) > 0 {
				notes = append(notes, fmt.Sprintf("running services need %q and are left as they are: %s; while it is down, supd does not act on their failures",
					name, quotedList(others)))
			}
		}
	})
	return notes
}

// quotedList is names for a sentence.
func quotedList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

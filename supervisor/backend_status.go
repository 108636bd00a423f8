package supervisor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// resolve turns targets into services, in their order, each once. No target is all of them.
func (s *Supervisor) resolve(targets []string) ([]string, error) {
	if len(targets) == 0 {
		return s.services.names(), nil
	}
	var names []string
	seen := map[string]bool{}
	for _, t := range targets {
		members, err := s.members(t)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if !seen[m] {
				seen[m] = true
				names = append(names, m)
			}
		}
	}
	return names, nil
}

// members are the services of one target: a service, all instances of a name, a group, or all.
func (s *Supervisor) members(target string) ([]string, error) {
	t, err := lockfile.ParseTarget(target)
	if err != nil {
		return nil, api.Errorf(api.CodeNotFound, "%v", err)
	}
	plan, _ := s.inForce()
	all := s.services.sortedNames()
	switch t.Kind {
	case lockfile.TargetHost:
		return slices.Clone(all), nil
	case lockfile.TargetGroup:
		if g := plan.Groups[t.Name]; g != nil {
			return slices.Clone(g.Services), nil
		}
		return nil, unknown("group", t.Name, slices.Collect(maps.Keys(plan.Groups)))
	}
	var meant []string // as a lock on it has it: the service and its instances, which stand behind it in the order of names
	for at, _ := slices.BinarySearch(all, t.Name); at < len(all) && strings.HasPrefix(all[at], t.Name); at++ {
		if t.Names(all[at]) {
			meant = append(meant, all[at])
		}
	}
	if len(meant) > 0 {
		slices.SortFunc(meant, byInstance)
		return meant, nil
	}
	return nil, unknown("service", t.Name, all)
}

// one is the service that a target means, for what is about a single one.
func (s *Supervisor) one(doing, target string) (string, error) {
	names, err := s.members(target)
	switch {
	case err != nil:
		return "", err
	case s.services.get(target) != nil: // beside its instances it is one as well
		return target, nil
	case len(names) != 1:
		return "", api.Errorf(api.CodeUsage, "cannot %s %q: it is %d services, and this is about one", doing, target, len(names)).
			WithNext("supctl status " + target + " lists them")
	}
	return names[0], nil
}

// unknown is the error for a name that is not there, with the nearest one that is.
func unknown(kind, name string, known []string) *api.Error {
	e := api.Errorf(api.CodeNotFound, "no such %s: %q", kind, name)
	if near := configs.Nearest(name, known); near != "" {
		return e.WithNext(fmt.Sprintf("did you mean %q?", near))
	}
	return e.WithNext("supctl status lists them")
}

// Status is one line per service.
func (s *Supervisor) Status(ctx context.Context, p api.Peer, targets []string) (api.StatusReply, error) {
	names, err := s.resolve(targets)
	if err != nil {
		return api.StatusReply{}, err
	}
	reply := api.StatusReply{Services: []api.ServiceStatus{}, Problems: s.problemTexts(), Healthy: true}
	counts := s.checks.counts()
	covers := s.withOnlyHere(s.dir.Snapshot(names))
	s.nowLacking(covers)
	at, orphans := time.Now(), s.orphans()
	asked := asker{me: p.Owner, gone: s.lockView(p.Owner).GoneOf(covers)}
	if !s.ask(ctx, func(st *core.State) {
		for _, name := range names {
			if v := st.Services[name]; v != nil {
				reply.Services = append(reply.Services, s.status(asked, v, s.barred(v, covers[name]), counts[name], orphans, at))
			}
		}
	}) {
		return reply, errEnding
	}
	for _, v := range reply.Services {
		reply.Healthy = reply.Healthy && healthy(v)
	}
	// A failing check of no service has no line above: without a word of it, the exit code would be a riddle.
	if len(targets) == 0 && counts[""].Failing > 0 {
		reply.Healthy = false
		for _, c := range s.checks.list([]string{""}) {
			if c.State == "failing" {
				reply.Problems = append(reply.Problems, fmt.Sprintf("check %q fails: %s", c.Name, c.Detail))
			}
		}
	}
	return reply, nil
}

var errEnding = api.Errorf(api.CodeUnreachable, "supd is ending")

// healthy says whether a service is as it should be: up where it should be, unless something holds it, with no failing
// check, and with lock state that can be read.
func healthy(v api.ServiceStatus) bool {
	held := len(v.Holds) > 0
	for _, h := range v.Holds {
		if h.Kind == string(core.HoldUnreadable) || h.Kind == string(core.HoldRestartLimit) || h.Kind == string(core.HoldInterlock) {
			return false
		}
	}
	if v.State == core.Failed.String() || len(v.StartedUnderLock) > 0 {
		return false
	}
	if held {
		return true
	}
	up := v.State == core.Up.String() || v.State == core.Done.String()
	return v.Checks.Failing == 0 && (v.Want != "up" || up)
}

// status is one service as the wire shows it. Runs in the loop: it reads memory only.
func (s *Supervisor) status(asked asker, v *core.Service, cover lockfile.Cover, counts api.CheckCounts, orphans []orphan, at time.Time) api.ServiceStatus {
	plan, _ := s.inForce()
	name := v.Spec.Name
	w := api.ServiceStatus{
		Name: name, State: v.Phase.String(), Since: wall(v.Since, at), PID: v.PID, Restarts: v.Restarts, Want: v.Want.String(),
		Mode: string(configs.ModeActive), Holds: s.holds(name, v, cover, at, asked.gone), Checks: counts, Kind: "command",
		Groups: groupsOf(plan, name), Ready: v.Phase == core.Up, Detail: v.Why, Orphaned: v.Orphaned, ShieldedBy: core.ShieldOf(s.core, v),
	}
	w.StartedUnderLock = s.strays.of(name)
	w.Next = nextStep(asked, v, cover, w.Holds)
	if w.Groups == nil {
		w.Groups = []string{}
	}
	if v.Spec.Observe || s.core.ObserveOnly {
		w.Mode = string(configs.ModeObserve)
	}
	w.Job = s.jobs.status(name, v.Skipped)
	w.Next = orElse(w.Next, jobNext(w.Job, at))
	svc := s.services.get(name)
	if svc == nil {
		return w
	}
	w.ChangePending = svc.pending()
	if w.ChangePending && svc.limitsOnly() {
		// Not a restart: it would fail where the kernel refused the limit.
		w.Next = orElse(w.Next, "supctl explain "+name+" says why its new limits wait")
	}
	if conf := s.services.conf(name); conf != nil && !v.Running && !v.Orphaned {
		if taken := placeTaken(conf, orphans); taken != "" {
			w.Next = orElse(w.Next, fmt.Sprintf("%s runs in its place; supctl reload --apply stops that and starts this", taken))
		}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.conf != nil {
		w.Source = fmt.Sprintf("%s:%d", svc.conf.Source.File, svc.conf.Source.Line)
	}
	if svc.proc != nil && !svc.exited {
		started := svc.started
		w.PID, w.StartedAt, w.UptimeS, w.Adopted = svc.proc.PID(), &started, at.Sub(started).Seconds(), svc.adopted
	}
	if svc.proc != nil && !svc.exited {
		w.StatusText = svc.talk.status
	}
	if says := svc.talk.says(); says != "" && v.Phase == core.Up {
		w.Detail = says
	}
	return w
}

// barred adds what the last look could not read beside locks and holds: an epoch, or the record of an action. To read these of
// every service would double what a status costs. Called by the loop.
func (s *Supervisor) barred(v *core.Service, cover lockfile.Cover) lockfile.Cover {
	for _, h := range v.Holds {
		if h.Kind == core.HoldUnreadable && !lockfile.InCover(s.dir.Path(), h.ID) {
			cover.Unreadable = append(cover.Unreadable, lockfile.Unreadable{Path: h.ID, Err: errors.New(strings.TrimPrefix(h.Reason, h.ID+": "))})
		}
	}
	return cover
}

// holds are the files as they are now, what is on its way to the disk, and interlocks.
func (s *Supervisor) holds(name string, v *core.Service, cover lockfile.Cover, at time.Time, gone func(lockfile.Lock) bool) []api.Hold {
	hs := api.HoldsOf(cover, at, gone)
	for _, h := range s.memory.unsavedOf(name) {
		if !slices.ContainsFunc(cover.Holds, func(o lockfile.Hold) bool { return o.Kind == h.Kind }) { // it has just arrived
			hs = append(hs, api.HoldOfFile(h))
		}
	}
	for _, h := range v.Interlocks {
		hs = append(hs, api.Hold{Kind: string(h.Kind), By: h.By, Reason: h.Reason, Since: time.Unix(0, h.Since)})
	}
	return hs
}

// wall is an instant of the core's clock as a time of day.
func wall(i core.Instant, at time.Time) time.Time {
	if i == 0 {
		return at
	}
	// The distance between the clocks moves by the time between the two readings; a time that is asked for twice should be
	// the same, so it is told to the millisecond, and scripts should not expect more.
	return at.Add(-now().Sub(i)).Round(10 * time.Millisecond)
}

func (s *Supervisor) problemTexts() []string {
	s.problemMu.Lock()
	defer s.problemMu.Unlock()
	out := []string{}
	for _, k := range sorted(maps.Keys(s.problems)) {
		out = append(out, s.problems[k])
	}
	if st := s.journal.State(); !st.Saving && st.Reason != "" {
		out = append(out, "history is not saved: "+st.Reason)
	}
	return out
}

func sorted(seq iter.Seq[string]) []string { return slices.Sorted(seq) }

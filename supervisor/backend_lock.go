package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// lockView shows lock files to one person.
func (s *Supervisor) lockView(me lockfile.Owner) api.LockView {
	plan, _ := s.inForce()
	// Reads a file per process: only where a lock's session is not the asker's own.
	live := sync.OnceValue(func() map[string]bool {
		sessions, err := who.LiveSessions()
		if err != nil {
			return nil // nobody is called abandoned who may be there
		}
		return sessions
	})
	return api.LockView{
		Now: time.Now(), Me: me, BootID: s.bootID, Live: live, StateDir: s.dir.Path(),
		Known: func(name string) bool { return plan.Services[name] != nil },
		Members: func(t lockfile.Target) []string {
			names, _ := s.members(t.String())
			return names
		},
	}
}

// diskPlan remembers what the config on disk said, for as long as its files are the same.
type diskPlan struct {
	mu    sync.Mutex
	stamp string
	plan  lockfile.Plan
}

// onDisk is the config as it stands on disk, for resolving a lock's targets: a lock taken between an edit and its reload
// covers what either means. It is read again only when a file has changed: a lock must not wait for 5,000 services.
func (s *Supervisor) onDisk() (lockfile.Plan, error) {
	inForce, gen := s.inForce()
	stamp := inForce.Stamp()
	if stamp != "" {
		stamp = fmt.Sprintf("generation %d\n%s", gen, stamp)
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if stamp != "" && stamp == s.disk.stamp {
		return s.disk.plan, nil
	}
	next, mistakes := s.load()
	if len(mistakes) > 0 {
		return lockfile.Plan{}, mistakes
	}
	old, err := s.dir.Plan()
	if err != nil {
		return lockfile.Plan{}, err
	}
	s.disk.stamp, s.disk.plan = stamp, next.Lockfile(old.Generation, &old)
	return s.disk.plan, nil
}

// onlyOnDisk says whether a target stands in the config on disk although the plan in force does not know it: it can be
// locked before the reload that would start it.
func (s *Supervisor) onlyOnDisk(t lockfile.Target) bool {
	plan, err := s.onDisk()
	if err != nil {
		return false
	}
	_, service := plan.Services[t.Name]
	_, group := plan.Groups[t.Name]
	return t.Kind == lockfile.TargetService && service || t.Kind == lockfile.TargetGroup && group
}

// MaintenanceStart takes locks, all or none, and then does the rest of the procedure: policy, preconditions, --stop. None
// of the rest takes the locks back.
func (s *Supervisor) MaintenanceStart(ctx context.Context, p api.Peer, m api.MaintenanceStart, progress api.Progress) (api.MaintenanceReply, error) {
	r := lockfile.LockRequest{
		Owner: p.Owner, Reason: m.Reason, Ticket: m.Ticket, MeantDown: m.Stop, Wait: seconds(m.WaitS), Config: s.onDisk,
		Progress: func(f lockfile.InFlight) {
			tell(progress, fmt.Sprintf("waiting for what is in flight on %s: %s", f.Service, f))
		},
	}
	var covered []string
	for _, l := range m.Locks {
		t, err := lockfile.ParseTarget(l.Target)
		if err != nil {
			return api.MaintenanceReply{}, api.Errorf(api.CodeNotFound, "%v", err)
		}
		names, err := s.members(l.Target)
		if err != nil && !s.onlyOnDisk(t) {
			return api.MaintenanceReply{}, err
		}
		covered = append(covered, names...)
		r.IDs, r.Targets = append(r.IDs, l.ID), append(r.Targets, t)
	}
	slices.Sort(covered)
	covered = slices.Compact(covered)
	r.Until = time.Now().Add(s.expected(covered, m.ForS))
	r.NotReady, _ = s.policy(covered, m.Reason, m.Ticket) // in the file from the beginning: a rewrite costs as much as the lock
	res, err := s.dir.Lock(ctx, r)
	var inFlight *lockfile.InFlightError
	switch {
	case errors.As(err, &inFlight):
		res.Locks = inFlight.Locks
	case err != nil:
		return api.MaintenanceReply{}, s.lockFailed(p.Owner, strings.Join(targets(m), " "), covered, err)
	}
	s.lockSaved(covered...)
	s.locked(p, res.Locks, covered)
	reply := api.MaintenanceReply{Notes: notes(res)}
	if inFlight != nil {
		reply.Code = api.CodeInFlight
		reply.InFlight = []api.InFlight{api.InFlightOf(inFlight.InFlight)}
		reply.Next = "run the same command again to wait on; the locks stand"
	}
	if inFlight == nil && res.Already { // its gates are shut while something is in flight
		words := lockfile.Words{Reason: m.Reason, Ticket: m.Ticket, MeantDown: m.Stop, NotReady: res.Locks[0].NotReady}
		if m.ForS > 0 {
			words.Until = r.Until
		}
		if res.Locks, err = s.dir.Renew(ctx, res.Locks, p.Owner, words); err != nil {
			reply.Notes = append(reply.Notes, "the lock stands, but its words could not be changed: "+err.Error())
		}
	}
	reply.NotReady, reply.Missing = s.policy(covered, res.Locks[0].Reason, res.Locks[0].Ticket)
	reply.NotReady = append(reply.NotReady, s.preconditions(ctx, covered)...)
	if m.Stop && inFlight == nil {
		reply.NotReady = append(reply.NotReady, s.bringDown(ctx, p.Owner, covered, progress)...)
	} else if m.Stop {
		reply.NotReady = append(reply.NotReady, "not stopped: an action is still in flight")
	}
	reply.Locks = s.lockView(p.Owner).Locks(s.noteNotReady(ctx, p.Owner, res.Locks, reply.NotReady))
	if reply.Code == api.CodeDone && len(reply.NotReady) > 0 {
		reply.Code = api.CodeNotReady
	}
	return reply, nil
}

func tell(progress api.Progress, text string) {
	if progress != nil {
		progress(text)
	}
}

func targets(m api.MaintenanceStart) []string {
	var ts []string
	for _, l := range m.Locks {
		ts = append(ts, l.Target)
	}
	return ts
}

// notes tells what else the person should know of the locks just taken.
func notes(res lockfile.LockResult) []string {
	out := []string{}
	if res.Already {
		out = append(out, "you held this lock already; it was updated")
	}
	for _, i := range res.Interrupted {
		out = append(out, fmt.Sprintf("a %s of %s was interrupted in phase %q at %s: look whether it is half done",
			i.Verb, i.Service, i.Phase, i.Since.Format(time.RFC3339)))
	}
	if res.ResolveErr != nil {
		out = append(out, "the lock covers what the running config says; the one on disk could not be read: "+res.ResolveErr.Error())
	}
	return out
}

// locked records locks and tells the core at once, without waiting for the watcher.
func (s *Supervisor) locked(p api.Peer, locks []lockfile.Lock, covered []string) {
	for _, l := range locks {
		s.record("maintenance.started", serviceOf(l.Target), journal.Notice,
			fmt.Sprintf("%s locked by %s%s", l.Target, p.Owner, because(l.Reason)),
			map[string]string{"lock_id": l.ID, "target": l.Target.String(), "ticket": l.Ticket})
	}
	go s.holdsChanged(covered)
}

func serviceOf(t lockfile.Target) string {
	if t.Kind == lockfile.TargetService {
		return t.Name
	}
	return ""
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

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
			miss("ticket", fmt.Sprintf("a ticket that matches %q is required: run the same command with --ticket ID", conf.Maintenance.RequireTicket))
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

// bringDown stops what the locks cover, as their owner's own action, and says what did not go down.
func (s *Supervisor) bringDown(ctx context.Context, owner lockfile.Owner, covered []string, progress api.Progress) []string {
	var failed []string
	for _, name := range covered {
		tell(progress, "stopping "+name)
		r := core.Request{Service: name, Verb: core.Stop, By: owner.String(), Reason: "maintenance start --stop", KeepDependents: true}
		if res := s.actOn(ctx, owner, r, false, progress); res.Code != api.CodeDone {
			failed = append(failed, res.Text)
			continue
		}
		if conf := s.services.conf(name); conf != nil {
			failed = append(failed, stillTaken(ctx, name, conf.Maintenance.MustBeFree)...)
		}
	}
	return failed
}

// MaintenanceEnd takes away the peer's own locks. What loses its last lock is tried out first, outside the gates, and its
// verdict is looked at again inside.
func (s *Supervisor) MaintenanceEnd(ctx context.Context, p api.Peer, m api.MaintenanceEnd, progress api.Progress) (api.MaintenanceReply, error) {
	listed := s.dir.Locks()
	var mine []lockfile.Lock
	for _, l := range listed.Locks {
		if slices.Contains(m.IDs, l.ID) {
			if !l.Owner.Same(p.Owner) && !l.Owner.SameLogin(p.Owner) {
				return api.MaintenanceReply{}, api.ErrorOf("", &lockfile.NotOwnerError{Lock: l})
			}
			mine = append(mine, l)
		}
	}
	try := s.newTryOut(p.Owner, m, mine)
	if !m.Force {
		if err := try.run(ctx, progress); err != nil {
			return api.MaintenanceReply{}, err
		}
	}
	res, err := s.dir.End(ctx, lockfile.EndRequest{
		IDs: m.IDs, Owner: p.Owner, AnySession: true, Verdict: try.stillTrue, LeaveStopped: m.LeaveStopped, Force: m.Force, Wait: seconds(m.WaitS),
	})
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("end "+strings.Join(m.IDs, " "), err)
	}
	view := s.lockView(p.Owner)
	reply := api.MaintenanceReply{Locks: view.Locks(res.Ended), Remaining: []api.Lock{}, Notes: []string{}}
	seen := map[string]bool{}
	for _, name := range sorted(maps.Keys(res.Remain)) {
		for _, l := range res.Remain[name] {
			if !seen[l.ID] {
				seen[l.ID] = true
				reply.Remaining = append(reply.Remaining, view.Lock(l))
			}
		}
	}
	for _, l := range res.Ended {
		s.record("maintenance.ended", serviceOf(l.Target), journal.Notice, fmt.Sprintf("lock on %s ended by %s", l.Target, p.Owner),
			map[string]string{"lock_id": l.ID, "target": l.Target.String(), "forced": fmt.Sprint(m.Force)})
		names, _ := s.members(l.Target.String())
		go s.holdsChanged(names)
	}
	return reply, nil
}

// MaintenanceBreak makes somebody's lock the peer's own. The gate stays shut throughout.
func (s *Supervisor) MaintenanceBreak(ctx context.Context, p api.Peer, m api.MaintenanceBreak, progress api.Progress) (api.MaintenanceReply, error) {
	res, err := s.dir.Break(ctx, lockfile.BreakRequest{
		ID: m.ID, NewID: m.NewID, Owner: p.Owner, Reason: m.Reason, Until: time.Now().Add(s.expected(nil, 0)), Wait: seconds(m.WaitS),
		Config: s.onDisk,
		Progress: func(f lockfile.InFlight) {
			tell(progress, fmt.Sprintf("waiting for what is in flight on %s: %s", f.Service, f))
		},
	})
	var inFlight *lockfile.InFlightError
	if err != nil && (!errors.As(err, &inFlight) || res.New.ID == "") {
		return api.MaintenanceReply{}, api.ErrorOf("break "+m.ID, err)
	}
	s.record("maintenance.broken", serviceOf(res.New.Target), journal.Warning,
		fmt.Sprintf("lock of %s on %s broken by %s: %s", res.Old.Owner, res.New.Target, p.Owner, m.Reason),
		map[string]string{"lock_id": res.New.ID, "replaces": m.ID, "target": res.New.Target.String()})
	names, _ := s.members(res.New.Target.String())
	go s.holdsChanged(names)
	reply := api.MaintenanceReply{
		Locks: s.lockView(p.Owner).Locks([]lockfile.Lock{res.New}),
		Notes: []string{"the lock is yours now and still holds; end it with: supctl maintenance end " + res.New.Target.String()},
	}
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
	}
	return reply, nil
}

// MaintenanceExtend moves the expected end of the peer's own locks.
func (s *Supervisor) MaintenanceExtend(ctx context.Context, p api.Peer, m api.MaintenanceExtend) (api.MaintenanceReply, error) {
	var locks []lockfile.Lock
	listed := s.dir.Locks().Locks
	for _, id := range m.IDs {
		owner := p.Owner
		if i := slices.IndexFunc(listed, func(l lockfile.Lock) bool { return l.ID == id }); i >= 0 && listed[i].Owner.SameLogin(owner) {
			owner = listed[i].Owner // in another session, but the same person, who asked for this very lock
		}
		l, err := s.dir.Rewrite(ctx, id, owner, func(l *lockfile.Lock) { l.Until = time.Now().Add(seconds(m.ForS)) })
		if err != nil {
			return api.MaintenanceReply{}, api.ErrorOf("extend "+id, err)
		}
		locks = append(locks, l)
	}
	return api.MaintenanceReply{Locks: s.lockView(p.Owner).Locks(locks)}, nil
}

// Locks lists locks, those of targets or all.
func (s *Supervisor) Locks(_ context.Context, p api.Peer, only []string) (api.LocksReply, error) {
	listed := s.dir.Locks()
	view := s.lockView(p.Owner)
	reply := api.LocksReply{Locks: []api.Lock{}, Unreadable: api.BadLocks(listed.Unreadable)}
	var names []string
	if len(only) > 0 {
		var err error
		if names, err = s.resolve(only); err != nil && !lockedName(listed.Locks, only) {
			return reply, err
		}
	}
	for _, l := range listed.Locks {
		w := view.Lock(l)
		touches := slices.ContainsFunc(w.Members, func(m string) bool { return slices.Contains(names, m) })
		if len(only) == 0 || touches || slices.Contains(only, w.Target) {
			reply.Locks = append(reply.Locks, w)
		}
	}
	return reply, nil
}

// lockedName says whether a lock stands on one of the targets although no service of that name is left.
func lockedName(locks []lockfile.Lock, targets []string) bool {
	return slices.ContainsFunc(locks, func(l lockfile.Lock) bool { return slices.Contains(targets, l.Target.String()) })
}

// Lock is one lock by its id or a unique beginning of it.
func (s *Supervisor) Lock(_ context.Context, p api.Peer, id string) (api.Lock, error) {
	var found []lockfile.Lock
	for _, l := range s.dir.Locks().Locks {
		if strings.HasPrefix(l.ID, id) {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return api.Lock{}, api.Errorf(api.CodeNotFound, "no lock has the id %q", id).WithNext("supctl maintenance list")
	case 1:
		return s.lockView(p.Owner).Lock(found[0]), nil
	}
	return api.Lock{}, api.Errorf(api.CodeUsage, "%d locks have an id that begins with %q; give more of it", len(found), id)
}

// MaintenanceCheck tells scripts whether a target is free of locks.
func (s *Supervisor) MaintenanceCheck(_ context.Context, p api.Peer, target string) (api.MaintenanceCheck, error) {
	names, err := s.members(target)
	if err != nil {
		return api.MaintenanceCheck{}, err
	}
	reply := api.MaintenanceCheck{Target: target, Holds: []api.Hold{}, Locks: []api.Lock{}}
	view := s.lockView(p.Owner)
	unreadable := false
	for _, c := range s.dir.Snapshot(names) {
		reply.Holds = append(reply.Holds, api.HoldsOf(c, time.Now())...)
		for _, l := range c.Locks {
			w := view.Lock(l)
			if !slices.ContainsFunc(reply.Locks, func(o api.Lock) bool { return o.ID == w.ID }) {
				reply.Locks = append(reply.Locks, w)
			}
		}
		unreadable = unreadable || len(c.Unreadable) > 0
	}
	switch {
	case unreadable:
		reply.Code, reply.Locked = api.CodeUnknown, true
	case len(reply.Locks) > 0:
		reply.Code, reply.Locked = api.CodeHeld, true
	}
	return reply, nil
}

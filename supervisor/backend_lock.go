package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// MaintenanceStart takes locks, all or none, and then does the rest of the procedure: policy, preconditions, --stop. None
// of the rest takes the locks back.
func (s *Supervisor) MaintenanceStart(ctx context.Context, p api.Peer, m api.MaintenanceStart, progress api.Progress) (api.MaintenanceReply, error) {
	p.Owner.Remote = who.ClaimedRemote(p.Owner.PID)
	r := lockfile.LockRequest{
		Owner: p.Owner, Reason: m.Reason, Ticket: m.Ticket, MeantDown: m.Stop, Attached: m.Attached, Wait: seconds(m.WaitS), Config: s.onDisk,
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
	var rules []rule
	for _, t := range r.Targets {
		rules = append(rules, s.rules(t, covered)...)
	}
	// In the file from the beginning: a rewrite costs as much as the lock.
	r.NotReady = wordsMissing(rules, m.Reason, m.Ticket).all()
	isolation := s.isolation(ctx, covered)
	res, unsaid, err := s.dir.LockAgain(ctx, r, s.saying(p.Owner, func(w *lockfile.Words) {
		w.Reason, w.Ticket, w.MeantDown = m.Reason, m.Ticket, m.Stop
		if m.ForS > 0 {
			w.Until = r.Until
		}
	}))
	var inFlight *lockfile.InFlightError
	switch {
	case errors.As(err, &inFlight):
		res.Locks = inFlight.Locks
	case err != nil:
		return api.MaintenanceReply{}, s.lockFailed(p.Owner, strings.Join(targets(m), " "), covered, err)
	}
	s.lockSaved(covered...)
	go s.holdsChanged(covered) // at once, without waiting for the watcher
	reply := api.MaintenanceReply{Notes: notes(res)}
	if inFlight != nil {
		reply.Code = api.CodeInFlight
		reply.InFlight = []api.InFlight{api.InFlightOf(inFlight.InFlight)}
		reply.Next = "run the same command again to wait on; the locks stand"
	}
	if unsaid != nil {
		reply.Notes = append(reply.Notes, "the lock stands, but its words could not be changed: "+unsaid.Error())
	}
	s.locked(p, res)
	go s.recorded() // beside what is left to do here
	defer s.recorded()
	if fresh := slices.DeleteFunc(slices.Clone(res.Locks), res.Had); len(fresh) > 0 {
		running := s.processesOf(fresh)
		noted := make(chan struct{})
		go s.noteAll(fresh, running, func() { close(noted) })
		defer func() { // a program in a dead file server keeps nobody from their lock
			select {
			case <-noted:
			case <-time.After(recordWait):
			}
		}()
	}
	missing := s.judgeReady(ctx, res.Locks)
	found, gap := isolation(), false
	reply.Isolation, reply.Unseen = api.IsolationOf(found), found.Unseen
	for i, l := range res.Locks {
		gap = s.wantIsolated(l, &missing[i], found, m.RequireIsolated) || gap
	}
	switch {
	case m.Stop && gap && inFlight == nil: // the procedure ends here
		for i, l := range res.Locks {
			missing[i].unproven = union(missing[i].unproven, []string{notStopped(l)})
		}
	case m.Stop:
		if inFlight == nil {
			reply.Notes = append(reply.Notes, s.shielded(ctx, covered)...)
		}
		s.stopUnder(ctx, p.Owner, res.Locks, missing, inFlight != nil, progress)
	}
	for i, l := range res.Locks {
		res.Locks[i] = s.noteNotReady(ctx, l, missing[i])
	}
	s.answerReady(&reply, p.Owner, res.Locks, missing)
	return reply, nil
}

// saying puts words on locks that were there before, and leaves what they lack for the look that follows.
func (s *Supervisor) saying(me lockfile.Owner, words func(*lockfile.Words)) lockfile.Saying {
	return lockfile.Saying{Gone: s.lockView(me).Gone, Words: func(l lockfile.Lock) lockfile.Words {
		w := lockfile.Words{NotReady: l.NotReady, Unproven: l.Unproven}
		words(&w)
		return w
	}}
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
	if text := res.HadText(); text != "" {
		out = append(out, text)
	}
	for _, i := range res.Interrupted {
		out = append(out, i.Interruption())
	}
	if res.ResolveErr != nil {
		out = append(out, "the lock covers what the running config says; the one on disk could not be read: "+res.ResolveErr.Error())
	}
	return out
}

// locked records locks as they are now.
func (s *Supervisor) locked(p api.Peer, res lockfile.LockResult) {
	for _, l := range res.Locks {
		text := "%s locked by %s%s"
		if res.Had(l) {
			text = "%s is still locked by %s, who said so again%s"
		}
		s.record("maintenance.started", serviceOf(l.Target), journal.Notice, fmt.Sprintf(text, l.Target, p.Owner, because(l.Reason)),
			map[string]string{"lock_id": l.ID, "target": l.Target.String(), "ticket": l.Ticket})
	}
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

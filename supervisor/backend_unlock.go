package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

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
		IDs: m.IDs, Owner: p.Owner, AnySession: true, Attached: m.Attached, Verdict: try.stillTrue, LeaveStopped: m.LeaveStopped, Force: m.Force, Wait: seconds(m.WaitS),
	})
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("end "+strings.Join(m.IDs, " "), err)
	}
	view := s.lockView(p.Owner)
	reply := api.MaintenanceReply{Locks: view.Locks(res.Ended), Remaining: []api.Lock{}, Unreadable: api.BadLocks(res.Unreadable), Notes: []string{}}
	seen := map[string]bool{}
	for _, name := range sorted(maps.Keys(res.Remain)) {
		for _, l := range res.Remain[name] {
			if !seen[l.ID] {
				seen[l.ID] = true
				reply.Remaining = append(reply.Remaining, view.Lock(l))
			}
		}
	}
	defer s.recorded()
	for _, l := range res.Ended {
		fields := pastFields(l, p.Owner)
		fields["forced"] = fmt.Sprint(m.Force)
		s.record("maintenance.ended", serviceOf(l.Target), journal.Notice, fmt.Sprintf("lock on %s ended by %s", l.Target, p.Owner), fields)
		names, _ := s.members(l.Target.String())
		go s.holdsChanged(names)
		go s.forgetBefore(s.lineOf(l))
	}
	reply.Notes = append(reply.Notes, s.afterRelease(ctx, res.Ended, m.LeaveStopped)...)
	return reply, nil
}

// MaintenanceBreak makes somebody's lock the peer's own. The gate stays shut throughout.
func (s *Supervisor) MaintenanceBreak(ctx context.Context, p api.Peer, m api.MaintenanceBreak, progress api.Progress) (api.MaintenanceReply, error) {
	p.Owner.Remote = who.ClaimedRemote(p.Owner.PID)
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
	defer s.recorded()
	text := fmt.Sprintf("lock of %s on %s broken by %s: %s", res.Old.Owner, res.New.Target, p.Owner, m.Reason)
	fields := pastFields(res.Old, p.Owner)
	fields["lock_id"], fields["replaces"], fields["target"], fields["note"] = res.New.ID, m.ID, res.New.Target.String(), m.Reason
	s.record("maintenance.broken", serviceOf(res.New.Target), journal.Warning, text, fields)
	gone := notices.Gone(res.Old, lockfile.Ended{At: time.Now(), By: p.Owner, How: "break", Note: m.Reason}, true)
	go s.tellOwner(res.Old.Owner, s.hide(gone))
	names, _ := s.members(res.New.Target.String())
	go s.holdsChanged(names)
	reply := api.MaintenanceReply{
		Locks: s.lockView(p.Owner).Locks([]lockfile.Lock{res.New}),
		Notes: []string{"the lock is yours now and still holds; end it with: supctl maintenance end " + res.New.Target.String()},
	}
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
	}
	reply.JudgeReady()
	return reply, nil
}

// MaintenanceExtend moves the expected end of the peer's own locks.
func (s *Supervisor) MaintenanceExtend(ctx context.Context, p api.Peer, m api.MaintenanceExtend) (api.MaintenanceReply, error) {
	var locks []lockfile.Lock
	listed := s.dir.Locks().Locks
	defer s.recorded()
	gone := s.lockView(p.Owner).Gone
	for _, id := range m.IDs {
		owner := p.Owner
		if i := slices.IndexFunc(listed, func(l lockfile.Lock) bool { return l.ID == id }); i >= 0 && listed[i].Owner.SameLogin(owner) {
			mine, err := s.dir.Reclaim(ctx, listed[i:i+1], p.Owner, gone)
			if err != nil {
				return api.MaintenanceReply{}, api.ErrorOf("extend "+id, err)
			}
			owner = mine[0].Owner // perhaps in another session, but the same person, who asked for this very lock
		}
		l, err := s.dir.Rewrite(ctx, id, owner, func(l *lockfile.Lock) { l.Until = time.Now().Add(seconds(m.ForS)) })
		if err != nil {
			return api.MaintenanceReply{}, api.ErrorOf("extend "+id, err)
		}
		s.record("maintenance.extended", serviceOf(l.Target), journal.Notice, fmt.Sprintf("lock on %s extended by %s until %s",
			l.Target, p.Owner, l.Until.Format(time.RFC3339)), map[string]string{"lock_id": l.ID, "target": l.Target.String()})
		locks = append(locks, l)
	}
	return api.MaintenanceReply{Locks: s.lockView(p.Owner).Locks(locks)}, nil
}

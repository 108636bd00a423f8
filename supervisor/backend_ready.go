package supervisor

import (
	"context"
	"fmt"
	"slices"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
)

// MaintenanceReady asks again what the peer's own locks lack: it takes the words that the person says now, runs the
// preconditions, and, of a lock that was taken with --stop, looks whether everything is down. It stops nothing: that is for
// MaintenanceStart.
func (s *Supervisor) MaintenanceReady(ctx context.Context, p api.Peer, m api.MaintenanceReady, progress api.Progress) (api.MaintenanceReply, error) {
	locks, err := s.ownLocks(p.Owner, m.IDs)
	if err != nil {
		return api.MaintenanceReply{}, err
	}
	say := s.saying(p.Owner, func(w *lockfile.Words) { w.Reason, w.Ticket = m.Reason, m.Ticket })
	for i, l := range locks {
		mine, err := s.dir.Reclaim(ctx, []lockfile.Lock{l}, p.Owner, say.Gone)
		if err == nil {
			mine, err = s.dir.Renew(ctx, mine, mine[0].Owner, say.Words(mine[0]))
		}
		if err != nil {
			return api.MaintenanceReply{}, api.ErrorOf("say more of the lock", err)
		}
		locks[i] = mine[0]
	}
	tell(progress, "running the checks that have to pass")
	missing := s.judgeReady(ctx, locks)
	for i, l := range locks {
		if l.MeantDown {
			tell(progress, "looking whether "+l.Target.String()+" is down")
			missing[i].unproven = s.notDown(ctx, s.coveredBy(l))
		}
		if api.AskedIsolated(l.Unproven) {
			s.wantIsolated(l, &missing[i], s.isolation(ctx, s.coveredBy(l))(), true)
		}
	}
	reply := api.MaintenanceReply{}
	defer s.recorded()
	for i := range locks {
		was := locks[i]
		locks[i] = s.noteNotReady(ctx, was, missing[i])
		if len(was.NotReady) > 0 && len(missing[i].all()) == 0 {
			s.record("maintenance.ready", serviceOf(was.Target), journal.Notice, fmt.Sprintf("the lock of %s on %s is ready", was.Owner, was.Target),
				map[string]string{"lock_id": was.ID, "target": was.Target.String()})
		}
	}
	s.answerReady(&reply, p.Owner, locks, missing)
	return reply, nil
}

// answerReady puts what locks lack, one entry each, into a reply.
func (s *Supervisor) answerReady(reply *api.MaintenanceReply, me lockfile.Owner, locks []lockfile.Lock, missing []lacks) {
	var sum lacks
	for _, l := range missing {
		sum = sum.add(l)
	}
	reply.NotReady, reply.Missing, reply.MissingRules = sum.all(), sum.sayable, sum.rules
	if reply.Code == api.CodeDone && len(reply.NotReady) > 0 {
		reply.Code = api.CodeNotReady
	}
	reply.Locks = s.lockView(me).Locks(locks)
}

// ownLocks finds locks by their ids and refuses those of others. Locks of the person's other sessions are their own here.
func (s *Supervisor) ownLocks(me lockfile.Owner, ids []string) ([]lockfile.Lock, error) {
	listed := s.dir.Locks().Locks
	locks := make([]lockfile.Lock, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(listed, func(l lockfile.Lock) bool { return l.ID == id })
		switch {
		case at < 0:
			return nil, api.ErrorOf("find lock "+id, &lockfile.GoneError{ID: id})
		case !listed[at].Owner.SameLogin(me):
			return nil, api.ErrorOf("ask for lock "+id, &lockfile.NotOwnerError{Lock: listed[at]})
		}
		locks[i] = listed[at]
	}
	return locks, nil
}

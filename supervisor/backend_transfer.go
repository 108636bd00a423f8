package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// MaintenanceTransfer offers locks to somebody, who is told. Nothing changes hands by it.
func (s *Supervisor) MaintenanceTransfer(ctx context.Context, p api.Peer, m api.MaintenanceTransfer) (api.MaintenanceReply, error) {
	heir, err := m.OfferOf(p.Owner)
	if err != nil {
		return api.MaintenanceReply{}, err
	}
	locks, err := s.dir.Offer(ctx, lockfile.OfferRequest{Seen: m.Seen(), Owner: p.Owner, Heir: heir, AnySession: true})
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("offer the lock", err)
	}
	defer s.recorded()
	for _, l := range locks {
		fields := map[string]string{"lock_id": l.ID, "target": l.Target.String()}
		if heir == nil {
			s.record("maintenance.withdrawn", serviceOf(l.Target), journal.Notice, fmt.Sprintf("%s offers the lock on %s to nobody any more", p.Owner, l.Target), fields)
			continue
		}
		fields["to"] = heir.Name
		text := fmt.Sprintf("%s offers the lock on %s to %s%s", p.Owner, l.Target, heir.Name, because(heir.Note))
		s.record("maintenance.offered", serviceOf(l.Target), journal.Notice, text, fields)
		// All sessions of that login: nobody knows at which the next shift sits.
		go s.tellOwner(lockfile.Owner{Name: heir.Name, UID: heir.UID, LoginUID: heir.UID}, s.hide(notices.Offered(l)))
	}
	return api.MaintenanceReply{Locks: s.lockView(p.Owner).Locks(locks), Notes: api.OfferNotes(heir)}, nil
}

// MaintenanceAccept makes locks that are offered to the peer the peer's own. The gate stays shut throughout.
func (s *Supervisor) MaintenanceAccept(ctx context.Context, p api.Peer, m api.MaintenanceAccept, progress api.Progress) (api.MaintenanceReply, error) {
	p.Owner.Remote = who.ClaimedRemote(p.Owner.PID)
	r := lockfile.AcceptRequest{
		Owner: p.Owner, Wait: seconds(m.WaitS), Config: s.onDisk,
		Progress: func(f lockfile.InFlight) {
			tell(progress, fmt.Sprintf("waiting for what is in flight on %s: %s", f.Service, f))
		},
	}
	r.IDs, r.NewIDs = m.IDs()
	res, err := s.dir.Accept(ctx, r)
	var inFlight *lockfile.InFlightError
	if err != nil && (!errors.As(err, &inFlight) || len(res.New) == 0) {
		return api.MaintenanceReply{}, api.ErrorOf("accept the lock", err)
	}
	defer s.recorded()
	for i, old := range res.Old {
		l := res.New[i]
		text := fmt.Sprintf("%s has taken over the lock of %s on %s", p.Owner, old.Owner, l.Target)
		fields := pastFields(old, p.Owner)
		fields["new_id"] = l.ID
		s.record("maintenance.transferred", serviceOf(l.Target), journal.Notice, text, fields)
		go s.tellOwner(old.Owner, s.hide(notices.Gone(old, lockfile.Ended{At: time.Now(), By: p.Owner, How: "transfer"}, true)))
		names, _ := s.members(l.Target.String())
		go s.holdsChanged(names)
	}
	reply := api.MaintenanceReply{Locks: s.lockView(p.Owner).Locks(res.New), Notes: notes(lockfile.LockResult{Interrupted: res.Interrupted})}
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
	}
	reply.JudgeReady()
	return reply, nil
}

// pastFields is what the record keeps of a lock that is over, for `maintenance history`.
func pastFields(l lockfile.Lock, by lockfile.Owner) map[string]string {
	l.Owner.TTY, by.TTY = "", ""
	return map[string]string{
		"lock_id": l.ID, "target": l.Target.String(), "owner": l.Owner.String(), "reason": l.Reason, "ticket": l.Ticket,
		"since": l.TakenAt.Format(time.RFC3339Nano), "by": by.String(),
	}
}

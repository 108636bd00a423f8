package main

import (
	"context"
	"errors"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/lockfile"
)

// transfer is `maintenance transfer`.
func (d *direct) transfer(ctx context.Context, req api.MaintenanceTransfer) (api.MaintenanceReply, error) {
	heir, err := req.OfferOf(d.me)
	if err != nil {
		return api.MaintenanceReply{}, err
	}
	defer ignoreStop()()
	locks, err := d.dir.Offer(ctx, lockfile.OfferRequest{Seen: req.Seen(), Owner: d.me, Heir: heir, AnySession: true})
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("offer the lock", err)
	}
	notes := append(api.OfferNotes(heir), d.note("written"))
	for _, l := range locks {
		if heir != nil {
			notes = append(notes, d.tellOwner(lockfile.Owner{Name: heir.Name, UID: heir.UID, LoginUID: heir.UID}, notices.Offered(l)))
		}
	}
	return api.MaintenanceReply{Locks: d.view().Locks(locks), Notes: notes}, nil
}

// accept is `maintenance accept`.
func (d *direct) accept(ctx context.Context, req api.MaintenanceAccept, show api.Progress) (api.MaintenanceReply, error) {
	defer ignoreStop()()
	r := lockfile.AcceptRequest{Owner: d.me, Wait: api.Seconds(req.WaitS), Config: d.plan,
		Progress: func(f lockfile.InFlight) { show("waiting for " + f.String()) }}
	r.IDs, r.NewIDs = req.IDs()
	res, err := d.dir.Accept(ctx, r)
	reply := api.MaintenanceReply{NotReady: []string{}, Remaining: []api.Lock{}, InFlight: []api.InFlight{}}
	var inFlight *lockfile.InFlightError
	if errors.As(err, &inFlight) && len(res.New) > 0 {
		reply.Code, reply.InFlight, err = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}, nil
	}
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("accept the lock", err)
	}
	reply.Locks = d.view().Locks(res.New)
	reply.Notes = append(interruptedNotes(res.Interrupted), d.note("done"))
	for _, old := range res.Old {
		reply.Notes = append(reply.Notes, d.tellOwner(old.Owner, notices.Gone(old, lockfile.Ended{At: d.a.now(), By: d.me, How: "transfer"}, true)))
	}
	reply.JudgeReady()
	return reply, nil
}

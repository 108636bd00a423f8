package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
)

// Doctor says what is wrong with locks, holds and the state directory.
func (s *Supervisor) Doctor(_ context.Context, p api.Peer, targets []string) (api.DoctorReply, error) {
	view := s.lockView(p.Owner)
	view.OnlyHere = func() []lockfile.Finding { return s.onlyHere(nil) }
	return api.Doctor(s.dir, view, false, targets), nil
}

// MaintenanceMend repairs what Doctor found. What was held stays held, by a lock of the peer's.
func (s *Supervisor) MaintenanceMend(ctx context.Context, p api.Peer, m api.MaintenanceMend, progress api.Progress) (api.MaintenanceReply, error) {
	done, err := s.dir.Mend(ctx, lockfile.MendRequest{
		Path: m.File, NewID: m.NewID, Owner: p.Owner, Reason: m.Reason, Until: time.Now().Add(s.expected(nil, 0)), Wait: seconds(m.WaitS),
		Config: s.onDisk,
		Progress: func(f lockfile.InFlight) {
			tell(progress, fmt.Sprintf("waiting for what is in flight on %s: %s", f.Service, f))
		},
	})
	var inFlight *lockfile.InFlightError
	if err != nil && (!errors.As(err, &inFlight) || done.Lock == nil) {
		return api.MaintenanceReply{}, api.ErrorOf("mend "+m.File, err)
	}
	defer s.recorded()
	fields := map[string]string{"file": m.File, "aside": done.Aside, "trouble": string(done.Finding.Trouble)}
	target := done.Finding.Target
	if done.Lock != nil {
		fields["lock_id"], target = done.Lock.ID, done.Lock.Target
	}
	s.record("maintenance.mended", serviceOf(target), journal.Warning,
		fmt.Sprintf("%s (%v) was mended by %s%s", m.File, done.Finding.Err, p.Owner, because(m.Reason)), fields)
	names := s.services.names() // what was wrong may have covered more than what is locked now
	go s.holdsChanged(names)
	reply := api.MendReply(s.lockView(p.Owner), done)
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
	}
	return reply, nil
}

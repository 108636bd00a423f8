package supervisor

import (
	"context"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/internal/who"
)

// History is what there was of locks.
func (s *Supervisor) History(ctx context.Context, _ api.Peer, only []string, since time.Time) (api.HistoryReply, error) {
	reply := api.HistoryReply{Notes: []string{}}
	ended, bad := s.dir.Ended()
	for _, u := range bad {
		reply.Notes = append(reply.Notes, "cannot read "+u.Path+": "+u.Err.Error())
	}
	events, err := s.journal.Events(ctx, journal.Query{Type: "maintenance.", Since: since, Limit: -1})
	if err != nil { // what is there is shown
		reply.Notes = append(reply.Notes, "the record cannot be read in full: "+err.Error())
	}
	reply.Locks = api.History(ended, events, only, since)
	return reply, nil
}

// news is everything there is to tell a peer, told or not.
func (s *Supervisor) news(p api.Peer) []notices.Notice {
	return notices.For(p.Owner, s.dir.Locks().Locks, s.dir.TakenOver(), time.Now())
}

// Notices is what the peer was not told yet.
func (s *Supervisor) Notices(_ context.Context, p api.Peer) (api.NoticesReply, error) {
	reply := api.NoticesReply{Notices: []api.Notice{}}
	news := s.news(p)
	if len(news) == 0 { // as with nearly every command: the session's processes need not be looked at
		return reply, nil
	}
	for _, n := range notices.Untold(s.dir.Path(), p.Owner, news, who.SessionSince(p.Owner.PID)) {
		reply.Notices = append(reply.Notices, api.Notice{Key: n.Key, At: n.At, Text: s.hide(n.Text)})
	}
	return reply, nil
}

// NoticesTold notes what the peer has been told.
func (s *Supervisor) NoticesTold(_ context.Context, p api.Peer, told api.NoticesTold) (api.NoticesReply, error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	return api.NoticesReply{Notices: []api.Notice{}}, notices.Tell(s.dir, p.Owner, s.news(p), told.Keys)
}

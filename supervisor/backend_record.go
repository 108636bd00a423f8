package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/logfile"
)

// Events answers a query of the record.
func (s *Supervisor) Events(ctx context.Context, _ api.Peer, q journal.Query) ([]journal.Event, error) {
	list, err := s.journal.Events(ctx, q)
	var damaged *journal.DamagedError
	if errors.As(err, &damaged) { // damaged under our hands: what memory knows is better than nothing
		s.problem("journal", "older events cannot be read: "+err.Error())
		return list, nil
	}
	return list, err
}

// FollowEvents gives the query's events and then new ones until ctx ends.
func (s *Supervisor) FollowEvents(ctx context.Context, _ api.Peer, q journal.Query, each func(journal.Event) error) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	return s.journal.Follow(ctx, q, each)
}

// until is ctx, ended with supd as well.
func (s *Supervisor) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// linesDefault is how many lines logs shows when nobody says how many.
const linesDefault = 100

// logSource finds where a service's output is.
func (s *Supervisor) logSource(name string) (*configs.Service, string, error) {
	name, err := s.one("show the output of", name)
	if err != nil {
		return nil, "", err
	}
	conf := s.services.conf(name)
	if conf == nil {
		return nil, "", api.Errorf(api.CodeFailed, "%q is not in the config any more, so supd does not know where its output goes", name)
	}
	out, err := s.output(conf)
	if err != nil {
		return nil, "", err
	}
	switch configs.LogTo(out.Mode) {
	case configs.LogFile:
		return conf, out.File, nil
	case configs.LogJournal:
		return conf, "", nil
	}
	return nil, "", api.Errorf(api.CodeFailed, "the output of %q goes to %q, which supd cannot read back", name, out.Mode)
}

// Logs gives the newest lines of a service's output.
func (s *Supervisor) Logs(ctx context.Context, p api.Peer, q api.LogQuery) (api.LogsReply, error) {
	conf, file, err := s.logSource(q.Service)
	if err != nil {
		return api.LogsReply{}, err
	}
	if q.Lines == 0 {
		q.Lines = linesDefault
	}
	if file == "" {
		return s.journalLines(ctx, conf.Name, q)
	}
	reply := api.LogsReply{Lines: []api.LogLine{}}
	lines, _, err := tailSince(file, q)
	if err != nil {
		return reply, err
	}
	for _, l := range lines {
		reply.Lines = append(reply.Lines, api.LogLine{Text: l})
	}
	return reply, err
}

// FollowLogs gives the newest lines and then what is written, until ctx ends.
func (s *Supervisor) FollowLogs(ctx context.Context, p api.Peer, q api.LogQuery, each func(api.LogLine) error) error {
	conf, file, err := s.logSource(q.Service)
	if err != nil {
		return err
	}
	if q.Lines == 0 {
		q.Lines = linesDefault
	}
	if file == "" {
		return s.followJournal(ctx, conf.Name, q, each)
	}
	lines, follow, err := tailSince(file, q)
	if err != nil {
		return err
	}
	ctx, cancel := s.until(ctx)
	defer cancel()
	line := func(text string) error { return each(api.LogLine{Text: text}) }
	for _, l := range lines {
		if err := line(l); err != nil {
			return err
		}
	}
	return follow.Run(ctx, line)
}

// tailSince reads the newest lines of a log file, and gives who goes on behind them.
func tailSince(file string, q api.LogQuery) ([]string, *logfile.Follower, error) {
	lines, follow, err := logfile.TailSince(file, q.Lines, q.Since)
	var timeless *logfile.TimelessError
	switch {
	case errors.As(err, &timeless):
		return nil, nil, api.Errorf(api.CodeUsage, "%v", err)
	case err != nil:
		return nil, nil, api.Errorf(api.CodeFailed, "%v", err)
	}
	return lines, follow, nil
}

// watchLocks tells the core when lock or hold files change, whoever changed them. Without inotify supd still honours every
// lock, since the gate reads the files; only status and shielding learn of it late.
func (s *Supervisor) watchLocks(ctx context.Context) {
	w, err := s.dir.Watch(ctx)
	if err != nil {
		s.problem("watch", fmt.Sprintf("cannot watch the lock files: %v; locks hold all the same, but are noticed only when supd would act", err))
		return
	}
	go func() {
		for range w.C {
			change := w.Take()
			names := change.Services
			if change.All {
				names = s.services.names()
			}
			s.holdsChanged(s.withInstances(names))
		}
	}()
}

package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
)

// fake is a supd behind the real server and socket that answers what a test
// wants. What is asked and not set is CodeNotFound.
type fake struct {
	status  api.StatusReply
	shows   map[string]api.ShowReply
	locks   api.LocksReply
	act     func(ctx context.Context, a api.Action, progress api.Progress) (api.ActionReply, error)
	start   func(ctx context.Context, m api.MaintenanceStart, progress api.Progress) (api.MaintenanceReply, error)
	ready   func(m api.MaintenanceReady) (api.MaintenanceReply, error)
	changes api.ChangesReply
	end     func(m api.MaintenanceEnd) (api.MaintenanceReply, error)
	breaks  func(m api.MaintenanceBreak) (api.MaintenanceReply, error)
	mend    func(m api.MaintenanceMend) (api.MaintenanceReply, error)
	doctor  api.DoctorReply
	extend  func(m api.MaintenanceExtend) (api.MaintenanceReply, error)
	wait    func(ctx context.Context, w api.Wait) (api.WaitReply, error)
	check   api.MaintenanceCheck
	checks  api.ChecksReply
	history api.CheckHistoryReply
	run     func(service, check string) (api.CheckStatus, error)
	events  []journal.Event
	logs    []api.LogLine
	diff    api.DiffReply
	reload  func(r api.Reload) (api.ReloadReply, error)
	config  api.ConfigReply
	mu      sync.Mutex // guards version
	version api.Version
}

var errNotSet = api.Errorf(api.CodeNotFound, "cannot find it: the test does not have it")

func (f *fake) Status(_ context.Context, _ api.Peer, targets []string) (api.StatusReply, error) {
	if len(targets) == 0 {
		return f.status, nil
	}
	r := api.StatusReply{Problems: []string{}, Healthy: f.status.Healthy}
	for _, t := range targets {
		found := false
		for _, s := range f.status.Services {
			if s.Name == t {
				r.Services, found = append(r.Services, s), true
			}
		}
		if !found {
			return r, api.Errorf(api.CodeNotFound, "cannot show %q: there is no service of that name", t).WithNext("supctl status")
		}
	}
	return r, nil
}

func (f *fake) Show(_ context.Context, _ api.Peer, service string) (api.ShowReply, error) {
	if r, ok := f.shows[service]; ok {
		return r, nil
	}
	return api.ShowReply{}, errNotSet
}

func (f *fake) Explain(_ context.Context, _ api.Peer, service string) (api.ExplainReply, error) {
	if _, ok := f.shows[service]; !ok {
		return api.ExplainReply{}, errNotSet
	}
	next := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return api.ExplainReply{Service: service, Lines: []string{service + " is up"}, NextTimer: &next, NextWhat: "check query"}, nil
}

func (f *fake) Act(ctx context.Context, _ api.Peer, a api.Action, p api.Progress) (api.ActionReply, error) {
	if f.act == nil {
		return api.ActionReply{}, errNotSet
	}
	return f.act(ctx, a, p)
}

func (f *fake) Wait(ctx context.Context, _ api.Peer, w api.Wait, _ api.Progress) (api.WaitReply, error) {
	if f.wait == nil {
		return api.WaitReply{}, errNotSet
	}
	return f.wait(ctx, w)
}

func (f *fake) MaintenanceStart(ctx context.Context, _ api.Peer, m api.MaintenanceStart, p api.Progress) (api.MaintenanceReply, error) {
	if f.start == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.start(ctx, m, p)
}

func (f *fake) MaintenanceReady(_ context.Context, _ api.Peer, m api.MaintenanceReady, _ api.Progress) (api.MaintenanceReply, error) {
	if f.ready == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.ready(m)
}

func (f *fake) MaintenanceChanges(context.Context, api.Peer, []string) (api.ChangesReply, error) {
	return f.changes, nil
}

func (f *fake) MaintenanceEnd(_ context.Context, _ api.Peer, m api.MaintenanceEnd, _ api.Progress) (api.MaintenanceReply, error) {
	if f.end == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.end(m)
}

func (f *fake) MaintenanceBreak(_ context.Context, _ api.Peer, m api.MaintenanceBreak, _ api.Progress) (api.MaintenanceReply, error) {
	if f.breaks == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.breaks(m)
}

func (f *fake) MaintenanceExtend(_ context.Context, _ api.Peer, m api.MaintenanceExtend) (api.MaintenanceReply, error) {
	if f.extend == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.extend(m)
}

func (f *fake) MaintenanceTransfer(context.Context, api.Peer, api.MaintenanceTransfer) (api.MaintenanceReply, error) {
	return api.MaintenanceReply{}, errNotSet
}

func (f *fake) MaintenanceAccept(context.Context, api.Peer, api.MaintenanceAccept, api.Progress) (api.MaintenanceReply, error) {
	return api.MaintenanceReply{}, errNotSet
}

func (f *fake) History(context.Context, api.Peer, []string, time.Time) (api.HistoryReply, error) {
	return api.HistoryReply{Locks: []api.PastLock{}, Notes: []string{}}, nil
}

func (f *fake) GuardRefused(context.Context, api.Peer, api.GuardRefused) (api.GuardReply, error) {
	return api.GuardReply{Recorded: true}, nil
}

func (f *fake) Notices(context.Context, api.Peer) (api.NoticesReply, error) {
	return api.NoticesReply{Notices: []api.Notice{}}, nil
}

func (f *fake) NoticesTold(context.Context, api.Peer, api.NoticesTold) (api.NoticesReply, error) {
	return api.NoticesReply{Notices: []api.Notice{}}, nil
}

func (f *fake) MaintenanceMend(_ context.Context, _ api.Peer, m api.MaintenanceMend, _ api.Progress) (api.MaintenanceReply, error) {
	if f.mend == nil {
		return api.MaintenanceReply{}, errNotSet
	}
	return f.mend(m)
}

func (f *fake) Doctor(context.Context, api.Peer, []string) (api.DoctorReply, error) {
	return f.doctor, nil
}

func (f *fake) Locks(context.Context, api.Peer, []string) (api.LocksReply, error) {
	return f.locks, nil
}

func (f *fake) Lock(context.Context, api.Peer, string) (api.Lock, error) {
	return api.Lock{}, errNotSet
}

func (f *fake) LockLife(context.Context, api.Peer, string) (api.Life, error) {
	return api.Life{}, errNotSet
}

func (f *fake) MaintenanceCheck(context.Context, api.Peer, string) (api.MaintenanceCheck, error) {
	return f.check, nil
}

func (f *fake) Checks(context.Context, api.Peer, []string) (api.ChecksReply, error) {
	return f.checks, nil
}

func (f *fake) RunCheck(_ context.Context, _ api.Peer, service, check string, _ api.Progress) (api.CheckStatus, error) {
	if f.run == nil {
		return api.CheckStatus{}, errNotSet
	}
	return f.run(service, check)
}

func (f *fake) CheckHistory(context.Context, api.Peer, string, string, int) (api.CheckHistoryReply, error) {
	return f.history, nil
}

func (f *fake) Events(_ context.Context, _ api.Peer, q journal.Query) ([]journal.Event, error) {
	out := []journal.Event{}
	for i := range f.events {
		if q.Matches(&f.events[i]) {
			out = append(out, f.events[i])
		}
	}
	return out, nil
}

var errFollowed = errors.New("the test's followers end here")

func (f *fake) FollowEvents(_ context.Context, _ api.Peer, q journal.Query, each func(journal.Event) error) error {
	for i := range f.events {
		if q.Matches(&f.events[i]) {
			if err := each(f.events[i]); err != nil {
				return err
			}
		}
	}
	return errFollowed
}

func (f *fake) Logs(context.Context, api.Peer, api.LogQuery) (api.LogsReply, error) {
	return api.LogsReply{Lines: f.logs}, nil
}

func (f *fake) FollowLogs(_ context.Context, _ api.Peer, _ api.LogQuery, each func(api.LogLine) error) error {
	for _, l := range f.logs {
		if err := each(l); err != nil {
			return err
		}
	}
	return errFollowed
}

func (f *fake) Config(_ context.Context, _ api.Peer, service string) (api.ConfigReply, error) {
	if service == "nosuch" {
		return api.ConfigReply{}, api.Errorf(api.CodeNotFound, "no such service")
	}
	return f.config, nil
}
func (f *fake) ConfigDiff(context.Context, api.Peer) (api.DiffReply, error) { return f.diff, nil }

func (f *fake) Reload(_ context.Context, _ api.Peer, r api.Reload, _ api.Progress) (api.ReloadReply, error) {
	if f.reload == nil {
		return api.ReloadReply{}, errNotSet
	}
	return f.reload(r)
}

// Upgrade is over at once: the next program began later.
func (f *fake) Upgrade(context.Context, api.Peer, api.Progress) (api.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.version
	f.version.StartedAt = old.StartedAt.Add(time.Minute)
	return old, nil
}

func (f *fake) Version(context.Context, api.Peer) (api.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version, nil
}

func (f *fake) Metrics() http.Handler { return http.NotFoundHandler() }
func (f *fake) Healthy() error        { return nil }
func (f *fake) Ready() error          { return nil }

// serve answers on a socket of its own until the test ends, and returns its path.
func (f *fake) serve(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "supd.sock")
	stop, err := f.serveOn(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return path
}

// serveOn answers on path until stop is called.
func (f *fake) serveOn(path string) (stop func(), err error) {
	l, err := api.Listen(path)
	if err != nil {
		return nil, err
	}
	s := api.NewServer(api.ServerOptions{Backend: f, Roles: func() api.Roles { return api.Roles{} }})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Shutdown(ctx)
		<-served
	}, nil
}

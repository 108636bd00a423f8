package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/supd/supd/internal/journal"
)

// fake is a Backend whose answers a test sets; what is not set is empty.
type fake struct {
	mu    sync.Mutex
	calls []string // methods called, in order

	act    func(ctx context.Context, p Peer, a Action, progress Progress) (ActionReply, error)
	status func(ctx context.Context, p Peer, targets []string) (StatusReply, error)
	show   ShowReply
	checks ChecksReply
	follow func(ctx context.Context, each func(journal.Event) error) error
	health error
	news   []Notice
	query  journal.Query
	logs   LogQuery
}

func (f *fake) called(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
}

func (f *fake) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fake) Status(ctx context.Context, p Peer, targets []string) (StatusReply, error) {
	f.called("Status")
	if f.status != nil {
		return f.status(ctx, p, targets)
	}
	return StatusReply{Healthy: true, Services: []ServiceStatus{{Name: "db", State: "up", Source: "a.toml:1", Detail: "secret"}}}, nil
}

func (f *fake) Show(_ context.Context, _ Peer, service string) (ShowReply, error) {
	f.called("Show " + service)
	if service == "none" {
		return ShowReply{}, Errorf(CodeNotFound, "no service %q", service).WithNext("supctl status")
	}
	return f.show, nil
}

func (f *fake) Explain(_ context.Context, _ Peer, service string) (ExplainReply, error) {
	f.called("Explain " + service)
	return ExplainReply{Service: service}, nil
}

func (f *fake) Act(ctx context.Context, p Peer, a Action, progress Progress) (ActionReply, error) {
	f.called("Act " + a.Verb)
	if f.act != nil {
		return f.act(ctx, p, a, progress)
	}
	return ActionReply{Results: []ActionResult{{Service: a.Targets[0], Text: "done"}}}, nil
}

func (f *fake) Wait(_ context.Context, _ Peer, w Wait, _ Progress) (WaitReply, error) {
	f.called("Wait " + w.For)
	return WaitReply{}, nil
}

func (f *fake) MaintenanceStart(_ context.Context, p Peer, m MaintenanceStart, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceStart " + m.Locks[0].ID)
	return MaintenanceReply{Code: CodeNotReady, Locks: []Lock{{ID: m.Locks[0].ID, Owner: p.Owner.Name}}}, nil
}

func (f *fake) MaintenanceReady(_ context.Context, _ Peer, m MaintenanceReady, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceReady " + m.IDs[0])
	return MaintenanceReply{}, nil
}

func (f *fake) MaintenanceChanges(_ context.Context, _ Peer, ids []string) (ChangesReply, error) {
	f.called("MaintenanceChanges " + ids[0])
	return ChangesReply{}, nil
}

func (f *fake) MaintenanceEnd(_ context.Context, _ Peer, m MaintenanceEnd, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceEnd " + m.IDs[0])
	return MaintenanceReply{}, nil
}

func (f *fake) MaintenanceBreak(_ context.Context, _ Peer, m MaintenanceBreak, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceBreak " + m.ID)
	return MaintenanceReply{}, nil
}

func (f *fake) MaintenanceExtend(_ context.Context, _ Peer, m MaintenanceExtend) (MaintenanceReply, error) {
	f.called("MaintenanceExtend " + m.IDs[0])
	return MaintenanceReply{}, nil
}

func (f *fake) MaintenanceTransfer(_ context.Context, _ Peer, m MaintenanceTransfer) (MaintenanceReply, error) {
	f.called("MaintenanceTransfer " + m.Locks[0].ID)
	return MaintenanceReply{}, nil
}

func (f *fake) MaintenanceAccept(_ context.Context, _ Peer, m MaintenanceAccept, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceAccept " + m.Locks[0].ID)
	return MaintenanceReply{}, nil
}

func (f *fake) History(context.Context, Peer, []string, time.Time) (HistoryReply, error) {
	return HistoryReply{Locks: []PastLock{}, Notes: []string{}}, nil
}

func (f *fake) GuardRefused(context.Context, Peer, GuardRefused) (GuardReply, error) {
	return GuardReply{Recorded: true}, nil
}

func (f *fake) Notices(context.Context, Peer) (NoticesReply, error) {
	f.called("Notices")
	return NoticesReply{Notices: append([]Notice{}, f.news...)}, nil
}

func (f *fake) NoticesTold(context.Context, Peer, NoticesTold) (NoticesReply, error) {
	return NoticesReply{Notices: []Notice{}}, nil
}

func (f *fake) MaintenanceMend(_ context.Context, _ Peer, m MaintenanceMend, _ Progress) (MaintenanceReply, error) {
	f.called("MaintenanceMend " + m.File)
	return MaintenanceReply{}, nil
}

func (f *fake) Doctor(_ context.Context, _ Peer, targets []string) (DoctorReply, error) {
	f.called(fmt.Sprint("Doctor ", targets))
	return DoctorReply{}, nil
}

func (f *fake) Locks(_ context.Context, _ Peer, targets []string) (LocksReply, error) {
	f.called(fmt.Sprint("Locks ", targets))
	return LocksReply{}, nil
}

func (f *fake) Lock(_ context.Context, _ Peer, id string) (Lock, error) {
	f.called("Lock " + id)
	return Lock{ID: id}, nil
}

func (f *fake) LockLife(_ context.Context, _ Peer, id string) (Life, error) {
	f.called("LockLife " + id)
	return Life{}, nil
}

func (f *fake) MaintenanceCheck(_ context.Context, _ Peer, target string) (MaintenanceCheck, error) {
	f.called("MaintenanceCheck " + target)
	return MaintenanceCheck{Target: target}, nil
}

func (f *fake) Checks(_ context.Context, _ Peer, targets []string) (ChecksReply, error) {
	f.called(fmt.Sprint("Checks ", targets))
	return f.checks, nil
}

func (f *fake) RunCheck(_ context.Context, _ Peer, service, check string, _ Progress) (CheckStatus, error) {
	f.called(fmt.Sprintf("RunCheck %q %q", service, check))
	return CheckStatus{Service: service, Name: check}, nil
}

func (f *fake) CheckHistory(_ context.Context, _ Peer, service, check string, n int) (CheckHistoryReply, error) {
	f.called(fmt.Sprintf("CheckHistory %q %q %d", service, check, n))
	return CheckHistoryReply{Service: service, Check: check}, nil
}

func (f *fake) Events(_ context.Context, _ Peer, q journal.Query) ([]journal.Event, error) {
	f.called("Events")
	f.query = q
	return []journal.Event{{Seq: 1, Text: "one"}}, nil
}

func (f *fake) FollowEvents(ctx context.Context, _ Peer, q journal.Query, each func(journal.Event) error) error {
	f.called("FollowEvents")
	if f.follow == nil {
		return nil
	}
	return f.follow(ctx, each)
}

func (f *fake) Logs(_ context.Context, _ Peer, q LogQuery) (LogsReply, error) {
	f.called("Logs " + q.Service)
	f.logs = q
	return LogsReply{}, nil
}

func (f *fake) FollowLogs(_ context.Context, _ Peer, q LogQuery, each func(LogLine) error) error {
	f.called("FollowLogs " + q.Service)
	return each(LogLine{Text: "line"})
}

func (f *fake) Config(context.Context, Peer, string) (ConfigReply, error) {
	f.called("Config")
	return ConfigReply{Text: "[daemon]"}, nil
}

func (f *fake) ConfigDiff(context.Context, Peer) (DiffReply, error) {
	f.called("ConfigDiff")
	return DiffReply{}, nil
}

func (f *fake) Reload(_ context.Context, _ Peer, r Reload, _ Progress) (ReloadReply, error) {
	f.called(fmt.Sprint("Reload ", r.Apply))
	return ReloadReply{}, nil
}

func (f *fake) Upgrade(context.Context, Peer, Progress) (Version, error) {
	f.called("Upgrade")
	return Version{}, nil
}

func (f *fake) Version(context.Context, Peer) (Version, error) {
	f.called("Version")
	return Version{Version: "1.2.3", Wire: WireVersion}, nil
}

func (f *fake) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "supd_up 1") })
}

func (f *fake) Healthy() error { return f.health }
func (f *fake) Ready() error   { return f.health }

// served is a server on a socket of its own, and a client of it.
func served(t testing.TB, f *fake, prepare ...func(*Server)) (*Client, *Server) {
	t.Helper()
	l, socket := listening(t)
	s := NewServer(ServerOptions{Backend: f, Roles: func() Roles { return Roles{} }})
	for _, p := range prepare {
		p(s)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return NewClient(socket), s
}

func listening(t testing.TB) (*net.UnixListener, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, socket
}

// eventually polls for what has no event of its own to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit.C:
			t.Fatalf("not within 10 s: %s", what)
		case <-tick.C:
		}
	}
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/supd/supd/internal/journal"
)

// Backend is supd behind the API. The server calls it from one goroutine per
// request, at most once per request, after the peer's role was judged and the
// request decoded and checked for form (known verb, no empty target, sane
// durations). It returns *Error for a failure that has an exit code of its own;
// any other error becomes CodeFailed. ctx ends when the client goes away or the
// server shuts down: waiting should end then, an effect that has begun need not.
// The server changes nothing of a reply's lists, and reads them until it has
// answered.
type Backend interface {
	Status(ctx context.Context, p Peer, targets []string) (StatusReply, error)
	Show(ctx context.Context, p Peer, service string) (ShowReply, error)
	Explain(ctx context.Context, p Peer, service string) (ExplainReply, error)

	Act(ctx context.Context, p Peer, a Action, progress Progress) (ActionReply, error)
	Wait(ctx context.Context, p Peer, w Wait, progress Progress) (WaitReply, error)

	MaintenanceStart(ctx context.Context, p Peer, m MaintenanceStart, progress Progress) (MaintenanceReply, error)
	MaintenanceReady(ctx context.Context, p Peer, m MaintenanceReady, progress Progress) (MaintenanceReply, error)
	MaintenanceChanges(ctx context.Context, p Peer, ids []string) (ChangesReply, error)
	MaintenanceEnd(ctx context.Context, p Peer, m MaintenanceEnd, progress Progress) (MaintenanceReply, error)
	MaintenanceBreak(ctx context.Context, p Peer, m MaintenanceBreak, progress Progress) (MaintenanceReply, error)
	MaintenanceExtend(ctx context.Context, p Peer, m MaintenanceExtend) (MaintenanceReply, error)
	MaintenanceTransfer(ctx context.Context, p Peer, m MaintenanceTransfer) (MaintenanceReply, error)
	MaintenanceAccept(ctx context.Context, p Peer, m MaintenanceAccept, progress Progress) (MaintenanceReply, error)
	MaintenanceMend(ctx context.Context, p Peer, m MaintenanceMend, progress Progress) (MaintenanceReply, error)
	GuardRefused(ctx context.Context, p Peer, g GuardRefused) (GuardReply, error)
	History(ctx context.Context, p Peer, targets []string, since time.Time) (HistoryReply, error)
	Notices(ctx context.Context, p Peer) (NoticesReply, error)
	NoticesTold(ctx context.Context, p Peer, told NoticesTold) (NoticesReply, error)
	Doctor(ctx context.Context, p Peer, targets []string) (DoctorReply, error)
	Locks(ctx context.Context, p Peer, targets []string) (LocksReply, error)
	Lock(ctx context.Context, p Peer, id string) (Lock, error) // id may be a unique prefix
	LockLife(ctx context.Context, p Peer, id string) (Life, error)
	MaintenanceCheck(ctx context.Context, p Peer, target string) (MaintenanceCheck, error)

	Checks(ctx context.Context, p Peer, targets []string) (ChecksReply, error)
	RunCheck(ctx context.Context, p Peer, service, check string, progress Progress) (CheckStatus, error)
	CheckHistory(ctx context.Context, p Peer, service, check string, n int) (CheckHistoryReply, error)

	Events(ctx context.Context, p Peer, q journal.Query) ([]journal.Event, error)
	FollowEvents(ctx context.Context, p Peer, q journal.Query, each func(journal.Event) error) error
	Logs(ctx context.Context, p Peer, q LogQuery) (LogsReply, error)
	FollowLogs(ctx context.Context, p Peer, q LogQuery, each func(LogLine) error) error

	Config(ctx context.Context, p Peer, service string) (ConfigReply, error) // service "": all of it
	ConfigDiff(ctx context.Context, p Peer) (DiffReply, error)
	Reload(ctx context.Context, p Peer, r Reload, progress Progress) (ReloadReply, error)
	Upgrade(ctx context.Context, p Peer, progress Progress) (Version, error)
	Version(ctx context.Context, p Peer) (Version, error) // You is filled in by the server

	// Metrics serves the Prometheus text; it is also on the TCP listener.
	Metrics() http.Handler
	// Healthy is nil while the event loop answers, Ready nil once the
	// services have been observed; the error's text is shown. Neither blocks.
	Healthy() error
	Ready() error
}

// Progress tells the client what is being waited for, one line in words. It may
// be called from any goroutine until the Backend's method returns.
type Progress func(text string)

// LogQuery selects a service's output: the newest Lines, or everything Since.
type LogQuery struct {
	Service string
	Lines   int       // 0 = 100; < 0 = all there is
	Since   time.Time // zero: no bound
}

package api

import (
	"context"
	"time"

	"github.com/supd/supd/internal/journal"
)

// FirstLine is how long a client waits for the daemon's first sign of life
// before it takes it for hung.
const FirstLine = 2 * time.Second

// Client talks to one daemon. Its methods may be used from any goroutine and
// end when ctx does. Errors: *Error (the daemon's refusal), *NotReachableError,
// *NotAnsweringError, *BrokenError.
type Client struct{ socket string }

// NewClient makes a client for a socket path; nothing is dialled yet.
func NewClient(socket string) *Client { return &Client{socket: socket} }

// IsUnreachable tells whether err means that no daemon answered, so that the
// request was not executed by one that lives, and may be done directly.
func IsUnreachable(err error) bool { panic("api") }

// Status asks for the state of targets (none = all).
func (c *Client) Status(ctx context.Context, targets []string) (StatusReply, error) { panic("api") }

// Show asks for everything about one service.
func (c *Client) Show(ctx context.Context, service string) (ShowReply, error) { panic("api") }

// Explain asks why a service is as it is.
func (c *Client) Explain(ctx context.Context, service string) (ExplainReply, error) { panic("api") }

// Act runs a verb; progress may be nil.
func (c *Client) Act(ctx context.Context, a Action, progress Progress) (ActionReply, error) {
	panic("api")
}

// Wait waits for targets.
func (c *Client) Wait(ctx context.Context, w Wait, progress Progress) (WaitReply, error) {
	panic("api")
}

// MaintenanceStart takes locks.
func (c *Client) MaintenanceStart(ctx context.Context, m MaintenanceStart, progress Progress) (MaintenanceReply, error) {
	panic("api")
}

// MaintenanceEnd takes locks away.
func (c *Client) MaintenanceEnd(ctx context.Context, m MaintenanceEnd, progress Progress) (MaintenanceReply, error) {
	panic("api")
}

// MaintenanceBreak replaces somebody's lock.
func (c *Client) MaintenanceBreak(ctx context.Context, m MaintenanceBreak, progress Progress) (MaintenanceReply, error) {
	panic("api")
}

// MaintenanceExtend moves the expected end.
func (c *Client) MaintenanceExtend(ctx context.Context, m MaintenanceExtend) (MaintenanceReply, error) {
	panic("api")
}

// Locks lists the locks on targets (none = all).
func (c *Client) Locks(ctx context.Context, targets []string) (LocksReply, error) { panic("api") }

// Lock shows one lock; id may be a unique prefix.
func (c *Client) Lock(ctx context.Context, id string) (Lock, error) { panic("api") }

// MaintenanceCheck tells whether a target is free.
func (c *Client) MaintenanceCheck(ctx context.Context, target string) (MaintenanceCheck, error) {
	panic("api")
}

// Checks lists checks of targets (none = all).
func (c *Client) Checks(ctx context.Context, targets []string) (ChecksReply, error) { panic("api") }

// RunCheck runs one check now; service is "" for a check of its own.
func (c *Client) RunCheck(ctx context.Context, service, check string, progress Progress) (CheckStatus, error) {
	panic("api")
}

// CheckHistory asks for the newest n results.
func (c *Client) CheckHistory(ctx context.Context, service, check string, n int) (CheckHistoryReply, error) {
	panic("api")
}

// Events asks for the record.
func (c *Client) Events(ctx context.Context, q journal.Query) ([]journal.Event, error) { panic("api") }

// FollowEvents calls each for the query's events and then for new ones, until
// ctx ends (nil), each fails (its error) or the daemon goes away.
func (c *Client) FollowEvents(ctx context.Context, q journal.Query, each func(journal.Event) error) error {
	panic("api")
}

// Logs asks for a service's output.
func (c *Client) Logs(ctx context.Context, q LogQuery) (LogsReply, error) { panic("api") }

// FollowLogs is FollowEvents for output.
func (c *Client) FollowLogs(ctx context.Context, q LogQuery, each func(LogLine) error) error {
	panic("api")
}

// Config asks for the effective configuration.
func (c *Client) Config(ctx context.Context) (ConfigReply, error) { panic("api") }

// ConfigDiff asks what a reload would do.
func (c *Client) ConfigDiff(ctx context.Context) (DiffReply, error) { panic("api") }

// Reload has the config read again.
func (c *Client) Reload(ctx context.Context, r Reload, progress Progress) (ReloadReply, error) {
	panic("api")
}

// Upgrade re-executes the daemon's binary in place.
func (c *Client) Upgrade(ctx context.Context, progress Progress) (Version, error) { panic("api") }

// Version asks who answers.
func (c *Client) Version(ctx context.Context) (Version, error) { panic("api") }

package api

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/supd/supd/internal/journal"
)

// Status asks for the state of targets (none = all).
func (c *Client) Status(ctx context.Context, targets []string) (StatusReply, error) {
	return read[StatusReply](ctx, c, "/v1/status", targetQuery(targets))
}

// Show asks for everything about one service.
func (c *Client) Show(ctx context.Context, service string) (ShowReply, error) {
	return read[ShowReply](ctx, c, "/v1/services/"+url.PathEscape(service), nil)
}

// Explain asks why a service is as it is.
func (c *Client) Explain(ctx context.Context, service string) (ExplainReply, error) {
	return read[ExplainReply](ctx, c, "/v1/services/"+url.PathEscape(service)+"/explain", nil)
}

// Act runs a verb; progress may be nil.
func (c *Client) Act(ctx context.Context, a Action, progress Progress) (ActionReply, error) {
	return run[ActionReply](ctx, c, "/v1/actions", a, progress)
}

// Wait waits for targets.
func (c *Client) Wait(ctx context.Context, w Wait, progress Progress) (WaitReply, error) {
	return run[WaitReply](ctx, c, "/v1/wait", w, progress)
}

// MaintenanceStart takes locks.
func (c *Client) MaintenanceStart(ctx context.Context, m MaintenanceStart, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/start", m, progress)
}

// MaintenanceReady asks again what locks lack.
func (c *Client) MaintenanceReady(ctx context.Context, m MaintenanceReady, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/ready", m, progress)
}

// MaintenanceChanges asks what is otherwise than when locks were taken.
func (c *Client) MaintenanceChanges(ctx context.Context, ids []string) (ChangesReply, error) {
	return read[ChangesReply](ctx, c, "/v1/maintenance/changes", url.Values{"id": ids})
}

// MaintenanceEnd takes locks away.
func (c *Client) MaintenanceEnd(ctx context.Context, m MaintenanceEnd, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/end", m, progress)
}

// MaintenanceBreak replaces somebody's lock.
func (c *Client) MaintenanceBreak(ctx context.Context, m MaintenanceBreak, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/break", m, progress)
}

// MaintenanceExtend moves the expected end.
func (c *Client) MaintenanceExtend(ctx context.Context, m MaintenanceExtend) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/extend", m, nil)
}

// MaintenanceTransfer offers locks, or withdraws the offer.
func (c *Client) MaintenanceTransfer(ctx context.Context, m MaintenanceTransfer) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/transfer", m, nil)
}

// MaintenanceAccept takes over what is offered.
func (c *Client) MaintenanceAccept(ctx context.Context, m MaintenanceAccept, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/accept", m, progress)
}

// MaintenanceMend repairs what Doctor found.
func (c *Client) MaintenanceMend(ctx context.Context, m MaintenanceMend, progress Progress) (MaintenanceReply, error) {
	return run[MaintenanceReply](ctx, c, "/v1/maintenance/mend", m, progress)
}

// GuardRefused has the record say that a guard did not run its command.
func (c *Client) GuardRefused(ctx context.Context, g GuardRefused) (GuardReply, error) {
	return run[GuardReply](ctx, c, "/v1/guard/refused", g, nil)
}

// Doctor says what is wrong with the locks on targets (none = all), and with the directory that they are in.
func (c *Client) Doctor(ctx context.Context, targets []string) (DoctorReply, error) {
	return read[DoctorReply](ctx, c, "/v1/maintenance/doctor", targetQuery(targets))
}

// Locks lists the locks on targets (none = all).
func (c *Client) Locks(ctx context.Context, targets []string) (LocksReply, error) {
	return read[LocksReply](ctx, c, "/v1/maintenance/locks", targetQuery(targets))
}

// LocksText is Locks as the daemon wrote it, one line of JSON, unread: of thousands of locks that takes a tenth of the time.
func (c *Client) LocksText(ctx context.Context, targets []string) ([]byte, error) {
	a, err := c.ask(ctx, "GET", "/v1/maintenance/locks", targetQuery(targets), nil, false)
	if err != nil {
		return nil, err
	}
	defer a.close()
	return a.all()
}

// AllReadable says of such a text that its list of unreadable files is there and empty, and that it is on one line, as JSON that is
// to be shown to people has to be.
func AllReadable(text []byte) bool {
	line, whole := bytes.CutSuffix(text, []byte{'\n'})
	return whole && bytes.HasSuffix(line, []byte(`"unreadable":[]}`)) && !slices.ContainsFunc(line, func(c byte) bool { return c < ' ' })
}

// Lock shows one lock; id may be a unique prefix.
func (c *Client) Lock(ctx context.Context, id string) (Lock, error) {
	return read[Lock](ctx, c, "/v1/maintenance/locks/"+url.PathEscape(id), nil)
}

// LockLife is what shows that the work under a lock goes on.
func (c *Client) LockLife(ctx context.Context, id string) (Life, error) {
	return read[Life](ctx, c, "/v1/maintenance/locks/"+url.PathEscape(id)+"/life", nil)
}

// MaintenanceCheck tells whether a target is free.
func (c *Client) MaintenanceCheck(ctx context.Context, target string) (MaintenanceCheck, error) {
	return read[MaintenanceCheck](ctx, c, "/v1/maintenance/check", targetQuery([]string{target}))
}

// History lists locks that are over.
func (c *Client) History(ctx context.Context, targets []string, since time.Time) (HistoryReply, error) {
	return read[HistoryReply](ctx, c, "/v1/maintenance/history", addSince(targetQuery(targets), since))
}

// Notices asks for what the peer was not told yet.
func (c *Client) Notices(ctx context.Context) (NoticesReply, error) {
	return read[NoticesReply](ctx, c, "/v1/notices", nil)
}

// NoticesTold says what the peer was told.
func (c *Client) NoticesTold(ctx context.Context, told NoticesTold) (NoticesReply, error) {
	return run[NoticesReply](ctx, c, "/v1/notices/told", told, nil)
}

// Checks lists checks of targets (none = all).
func (c *Client) Checks(ctx context.Context, targets []string) (ChecksReply, error) {
	return read[ChecksReply](ctx, c, "/v1/checks", targetQuery(targets))
}

// RunCheck runs one check now; service is "" for a check of its own.
func (c *Client) RunCheck(ctx context.Context, service, check string, progress Progress) (CheckStatus, error) {
	return run[CheckStatus](ctx, c, checkPath(service, check)+"/run", nil, progress)
}

// CheckHistory asks for the newest n results (0 = all that is kept).
func (c *Client) CheckHistory(ctx context.Context, service, check string, n int) (CheckHistoryReply, error) {
	return read[CheckHistoryReply](ctx, c, checkPath(service, check), numberQuery("n", n))
}

// Events asks for the record.
func (c *Client) Events(ctx context.Context, q journal.Query) ([]journal.Event, error) {
	r, err := read[EventsReply](ctx, c, "/v1/events", eventQuery(q))
	return r.Events, err
}

// FollowEvents calls each for the query's events and then for new ones, until
// ctx ends (nil), each fails (its error) or the daemon goes away.
func (c *Client) FollowEvents(ctx context.Context, q journal.Query, each func(journal.Event) error) error {
	return follow(ctx, c, "/v1/events", eventQuery(q), each)
}

func eventQuery(q journal.Query) url.Values {
	v := addSince(numberQuery("limit", q.Limit), q.Since)
	if q.Service != "" {
		v.Set("service", q.Service)
	}
	if q.Type != "" {
		v.Set("type", q.Type)
	}
	return v
}

// Logs asks for a service's output.
func (c *Client) Logs(ctx context.Context, q LogQuery) (LogsReply, error) {
	return read[LogsReply](ctx, c, "/v1/logs/"+url.PathEscape(q.Service), addSince(numberQuery("n", q.Lines), q.Since))
}

// FollowLogs is FollowEvents for output.
func (c *Client) FollowLogs(ctx context.Context, q LogQuery, each func(LogLine) error) error {
	return follow(ctx, c, "/v1/logs/"+url.PathEscape(q.Service), addSince(numberQuery("n", q.Lines), q.Since), each)
}

// Config asks for the effective configuration, of one service or, with "", of all.
func (c *Client) Config(ctx context.Context, service string) (ConfigReply, error) {
	q := url.Values{}
	if service != "" {
		q.Set("service", service)
	}
	return read[ConfigReply](ctx, c, "/v1/config", q)
}

// ConfigDiff asks what a reload would do.
func (c *Client) ConfigDiff(ctx context.Context) (DiffReply, error) {
	return read[DiffReply](ctx, c, "/v1/config/diff", nil)
}

// Reload has the config read again.
func (c *Client) Reload(ctx context.Context, r Reload, progress Progress) (ReloadReply, error) {
	return run[ReloadReply](ctx, c, "/v1/reload", r, progress)
}

// Upgrade re-executes the daemon's binary in place.
func (c *Client) Upgrade(ctx context.Context, progress Progress) (Version, error) {
	return run[Version](ctx, c, "/v1/upgrade", nil, progress)
}

// Version asks who answers.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return read[Version](ctx, c, "/v1/version", nil)
}

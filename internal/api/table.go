package api

import (
	"strconv"
	"time"

	"github.com/supd/supd/internal/journal"
)

// NoService stands in a path for "belongs to no service"; no name begins with a dash.
const NoService = "-"

// routes is the API. It is a function because packages here have no state.
func routes() []route {
	target := param{name: "target", kind: "string", doc: "service, @group or --all; none means all", many: true}
	since := param{name: "since", kind: "date-time", doc: "RFC 3339"}
	return []route{
		get("/v1/version", Viewer, "Who answers, and what it takes the peer for.", func(c *call) (Version, error) {
			v, err := c.b.Version(c.ctx, c.peer)
			v.You = c.peer.you()
			return v, err
		}),
		get("/v1/status", Viewer, "One line per service.", status, target),
		get("/v1/services/{name}", Viewer, "Everything about one service; names, states and locks for viewers.", show),
		get("/v1/services/{name}/explain", Operator, "Why it is as it is and what happens next.", func(c *call) (ExplainReply, error) {
			return c.b.Explain(c.ctx, c.peer, c.path["name"])
		}),
		post("/v1/actions", Operator, "Start, stop, restart, reload or signal services.", func(c *call, a Action, p Progress) (ActionReply, error) {
			return c.b.Act(c.ctx, c.peer, a, p)
		}),
		post("/v1/wait", Viewer, "Wait until targets are up, down or ready.", func(c *call, w Wait, p Progress) (WaitReply, error) {
			r, err := c.b.Wait(c.ctx, c.peer, w, p)
			r.Services = forViewer(c, r.Services)
			return r, err
		}),
		post("/v1/maintenance/start", Operator, "Take locks, all or none.", func(c *call, m MaintenanceStart, p Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceStart(c.ctx, c.peer, m, p)
		}),
		post("/v1/maintenance/ready", Operator, "Ask again what the peer's own locks lack.", func(c *call, m MaintenanceReady, p Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceReady(c.ctx, c.peer, m, p)
		}),
		post("/v1/maintenance/end", Operator, "Take the peer's own locks away.", func(c *call, m MaintenanceEnd, p Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceEnd(c.ctx, c.peer, m, p)
		}),
		post("/v1/maintenance/break", Admin, "Replace somebody's lock by one of the peer's own.", func(c *call, m MaintenanceBreak, p Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceBreak(c.ctx, c.peer, m, p)
		}),
		post("/v1/maintenance/extend", Operator, "Move the expected end of the peer's own locks.", func(c *call, m MaintenanceExtend, _ Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceExtend(c.ctx, c.peer, m)
		}),
		post("/v1/maintenance/transfer", Operator, "Offer the peer's own locks to somebody, or withdraw the offer.", func(c *call, m MaintenanceTransfer, _ Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceTransfer(c.ctx, c.peer, m)
		}),
		post("/v1/maintenance/accept", Operator, "Take over locks that are offered to the peer, all or none.", func(c *call, m MaintenanceAccept, p Progress) (MaintenanceReply, error) {
			return c.b.MaintenanceAccept(c.ctx, c.peer, m, p)
		}),
		post("/v1/maintenance/mend", Admin, "Move a damaged file of the state directory aside; a lock of the peer's own holds in its stead.",
			func(c *call, m MaintenanceMend, p Progress) (MaintenanceReply, error) {
				return c.b.MaintenanceMend(c.ctx, c.peer, m, p)
			}),
		post("/v1/guard/refused", Operator, "Record that the peer's guard did not run a command, because a service is held.", func(c *call, g GuardRefused, _ Progress) (GuardReply, error) {
			return c.b.GuardRefused(c.ctx, c.peer, g)
		}),
		get("/v1/maintenance/doctor", Viewer, "What is wrong with locks and holds, each with the command that mends it.", func(c *call) (DoctorReply, error) {
			return c.b.Doctor(c.ctx, c.peer, c.query["target"])
		}, target),
		get("/v1/maintenance/history", Viewer, "Locks that are over, and how they ended.", history, target, since),
		get("/v1/notices", Viewer, "What the peer was not told yet of their locks.", func(c *call) (NoticesReply, error) {
			return c.b.Notices(c.ctx, c.peer)
		}),
		post("/v1/notices/told", Viewer, "The peer has been told.", func(c *call, n NoticesTold, _ Progress) (NoticesReply, error) {
			return c.b.NoticesTold(c.ctx, c.peer, n)
		}),
		get("/v1/maintenance/locks", Viewer, "The locks on targets.", func(c *call) (LocksReply, error) {
			return c.b.Locks(c.ctx, c.peer, c.query["target"])
		}, target),
		get("/v1/maintenance/locks/{id}", Viewer, "One lock, by id or a unique beginning of it.", func(c *call) (Lock, error) {
			return c.b.Lock(c.ctx, c.peer, c.path["id"])
		}),
		get("/v1/maintenance/locks/{id}/life", Operator, "What shows that the work under a lock goes on.", func(c *call) (Life, error) {
			return c.b.LockLife(c.ctx, c.peer, c.path["id"])
		}),
		get("/v1/maintenance/changes", Operator, "What is otherwise than when the peer's own locks were taken.", maintenanceChanges,
			param{name: "id", kind: "string", doc: "of a lock", many: true}),
		get("/v1/maintenance/check", Viewer, "Whether a target is free.", maintenanceCheck,
			param{name: "target", kind: "string", doc: "service, @group or --all; exactly one"}),
		get("/v1/checks", Viewer, "The checks of targets, with their last results.", checkList, target),
		get("/v1/checks/{service}/{check}", Operator, `One check's history, oldest first; service "-" for one that belongs to none.`, checkHistory,
			param{name: "n", kind: "integer", doc: "the newest so many; 0 = all that is kept"}),
		post("/v1/checks/{service}/{check}/run", Operator, "Run a check now.", func(c *call, _ struct{}, p Progress) (CheckStatus, error) {
			return c.b.RunCheck(c.ctx, c.peer, c.serviceOf("service"), c.path["check"], p)
		}),
		followable("/v1/events", Operator, "The record.", events, followEvents, since,
			param{name: "service", kind: "string", doc: "only of this service"},
			param{name: "type", kind: "string", doc: `exact, or a beginning that ends in "." or "*"`},
			param{name: "limit", kind: "integer", doc: "the newest so many; 0 = 1000, negative = all"}),
		followable("/v1/logs/{name}", Operator, "A service's output.", logs, followLogs, since,
			param{name: "n", kind: "integer", doc: "the newest so many lines; 0 = 100, negative = all"}),
		get("/v1/config", Operator, "The effective configuration, secrets masked.", func(c *call) (ConfigReply, error) {
			return c.b.Config(c.ctx, c.peer, c.query.Get("service"))
		}, param{name: "service", kind: "string", doc: "only of this service"}),
		get("/v1/config/diff", Operator, "What a reload would do.", func(c *call) (DiffReply, error) {
			return c.b.ConfigDiff(c.ctx, c.peer)
		}),
		post("/v1/reload", Operator, "Read the config again.", func(c *call, r Reload, p Progress) (ReloadReply, error) {
			return c.b.Reload(c.ctx, c.peer, r, p)
		}),
		post("/v1/upgrade", Admin, "Execute the binary again in place.", func(c *call, _ struct{}, p Progress) (Version, error) {
			return c.b.Upgrade(c.ctx, c.peer, p)
		}),
		{method: "GET", path: "/metrics", role: Viewer, shape: raw, summary: "Prometheus text."},
	}
}

func status(c *call) (StatusReply, error) {
	r, err := c.b.Status(c.ctx, c.peer, c.query["target"])
	r.Services = forViewer(c, r.Services)
	return r, err
}

func forViewer[T interface{ ForViewer() T }](c *call, list []T) []T {
	if c.peer.Role > Viewer {
		return list
	}
	visible := make([]T, len(list)) // the Backend may still use its own
	for i := range list {
		visible[i] = list[i].ForViewer()
	}
	return visible
}

func show(c *call) (ShowReply, error) {
	r, err := c.b.Show(c.ctx, c.peer, c.path["name"])
	if c.peer.Role == Viewer {
		r = r.ForViewer()
	}
	return r, err
}

func maintenanceChanges(c *call) (ChangesReply, error) {
	if err := ids(c.query["id"]); err != nil {
		return ChangesReply{}, err
	}
	return c.b.MaintenanceChanges(c.ctx, c.peer, c.query["id"])
}

func maintenanceCheck(c *call) (MaintenanceCheck, error) {
	t := c.query["target"]
	if len(t) != 1 {
		return MaintenanceCheck{}, Errorf(CodeUsage, "the query needs exactly one target")
	}
	return c.b.MaintenanceCheck(c.ctx, c.peer, t[0])
}

func history(c *call) (HistoryReply, error) {
	since, err := c.time("since")
	if err != nil {
		return HistoryReply{}, err
	}
	return c.b.History(c.ctx, c.peer, c.query["target"], since)
}

func checkList(c *call) (ChecksReply, error) {
	r, err := c.b.Checks(c.ctx, c.peer, c.query["target"])
	r.Checks = forViewer(c, r.Checks)
	return r, err
}

func checkHistory(c *call) (CheckHistoryReply, error) {
	n, err := c.int("n")
	if err != nil {
		return CheckHistoryReply{}, err
	}
	return c.b.CheckHistory(c.ctx, c.peer, c.serviceOf("service"), c.path["check"], n)
}

func events(c *call) (EventsReply, error) {
	q, err := c.eventQuery()
	if err != nil {
		return EventsReply{}, err
	}
	list, err := c.b.Events(c.ctx, c.peer, q)
	return EventsReply{Events: list}, err
}

func followEvents(c *call, each func(journal.Event) error) error {
	q, err := c.eventQuery()
	if err != nil {
		return err
	}
	return c.b.FollowEvents(c.ctx, c.peer, q, each)
}

func logs(c *call) (LogsReply, error) {
	q, err := c.logQuery()
	if err != nil {
		return LogsReply{}, err
	}
	return c.b.Logs(c.ctx, c.peer, q)
}

func followLogs(c *call, each func(LogLine) error) error {
	q, err := c.logQuery()
	if err != nil {
		return err
	}
	return c.b.FollowLogs(c.ctx, c.peer, q, each)
}

func (c *call) serviceOf(key string) string {
	if s := c.path[key]; s != NoService {
		return s
	}
	return ""
}

func (c *call) eventQuery() (q journal.Query, err error) {
	q.Service, q.Type = c.query.Get("service"), c.query.Get("type")
	if q.Limit, err = c.int("limit"); err == nil {
		q.Since, err = c.time("since")
	}
	return q, err
}

func (c *call) logQuery() (q LogQuery, err error) {
	q.Service = c.path["name"]
	if q.Lines, err = c.int("n"); err == nil {
		q.Since, err = c.time("since")
	}
	return q, err
}

func (c *call) int(key string) (int, error) {
	s := c.query.Get(key)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, Errorf(CodeUsage, "query parameter %s: %q is no number", key, s)
	}
	return n, nil
}

func (c *call) time(key string) (time.Time, error) {
	s := c.query.Get(key)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, Errorf(CodeUsage, "query parameter %s: %q is no RFC 3339 time", key, s)
	}
	return t, nil
}

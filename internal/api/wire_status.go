package api

import (
	"time"

	"github.com/supd/supd/internal/journal"
)

// StatusReply is `status -o json`.
type StatusReply struct {
	Services []ServiceStatus `json:"services"`
	Problems []string        `json:"problems"`         // of supd itself: old config in force, unreadable state …; always a list
	Healthy  bool            `json:"healthy"`          // false: `status` exits 1
	Socket   string          `json:"socket,omitempty"` // filled in by supctl: which one it asked
}

// ServiceStatus is one line of status. Fields after Checks are additions that
// scripts may rely on as well.
type ServiceStatus struct {
	Name      string      `json:"name"`
	State     string      `json:"state"` // down starting up stopping backoff failed done
	Since     time.Time   `json:"since"` // of the state
	PID       int         `json:"pid"`   // 0 = none
	StartedAt *time.Time  `json:"started_at"`
	Restarts  uint64      `json:"restarts"`
	Want      string      `json:"want"` // up down
	Mode      string      `json:"mode"` // active observe
	Holds     []Hold      `json:"holds"`
	Checks    CheckCounts `json:"checks"`

	Kind          string   `json:"kind"` // command, unit, pidfile, match
	Groups        []string `json:"groups"`
	UptimeS       float64  `json:"uptime_s"` // 0 when not running
	Ready         bool     `json:"ready"`
	Detail        string   `json:"detail"`      // why it is in this state, one line; "" = nothing to say
	StatusText    string   `json:"status_text"` // what the running service last said by sd_notify (STATUS=); "" for viewers
	Next          string   `json:"next"`        // what happens or can be done next; "" = nothing
	Source        string   `json:"source"`      // FILE:LINE of its config; "" for viewers
	ChangePending bool     `json:"change_pending"`
	Orphaned      bool     `json:"orphaned"`
	Adopted       bool     `json:"adopted"`
	ShieldedBy    string   `json:"shielded_by"` // the prerequisite whose absence explains its failures

	StartedUnderLock []Stray `json:"started_under_lock"` // what runs by another hand while it is meant to be down; always a list

	Job *JobStatus `json:"job"` // null unless it is a job (oneshot)
}

// Hold is one reason why supd does not act on a service.
type Hold struct {
	Kind   string    `json:"kind"` // lock operator-stop interlock restart-limit unreadable
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	LockID string    `json:"lock_id"` // "" unless kind is lock

	Overdue   bool     `json:"overdue,omitempty"`    // a lock past its expected end; it holds all the same
	Abandoned bool     `json:"abandoned,omitempty"`  // of a lock: who took it is gone; it holds all the same
	OfferedTo string   `json:"offered_to,omitempty"` // of a lock: who may accept it
	NotReady  []string `json:"not_ready,omitempty"`  // of a lock: what is missing before its owner may begin
}

// CheckCounts sums up the checks of a service.
type CheckCounts struct {
	OK      int `json:"ok"`
	Failing int `json:"failing"`
	Unknown int `json:"unknown"`
}

// ShowReply is everything about one service. Viewers get Service (without
// Source), Dependencies and Locks only.
type ShowReply struct {
	Service    ServiceStatus     `json:"service"`
	Command    []string          `json:"command"`
	Dir        string            `json:"dir"`
	User       string            `json:"user"`
	DependsOn  []string          `json:"depends_on"`
	Dependents []string          `json:"dependents"`
	Processes  []Process         `json:"processes"` // the tree, parents before children
	Checks     []CheckStatus     `json:"checks"`
	Locks      []Lock            `json:"locks"`
	LastExit   string            `json:"last_exit"` // in words, "" = none known
	Settings   map[string]string `json:"settings"`  // effective policies, in the config's words
	Log        string            `json:"log"`       // where its output goes, in words
	Events     []journal.Event   `json:"events"`    // the newest few, oldest first
}

// Process is one process of a service.
type Process struct {
	PID       int       `json:"pid"`
	Parent    int       `json:"parent"`
	Depth     int       `json:"depth"` // 0 = the main process
	StartedAt time.Time `json:"started_at"`
	Command   string    `json:"command"`
	RSS       uint64    `json:"rss_bytes"`
	CPU       float64   `json:"cpu_percent"`
	Threads   int       `json:"threads"`
}

// ForViewer is the part that a peer without a role may see.
func (r ShowReply) ForViewer() ShowReply {
	r.Service = r.Service.ForViewer()
	return ShowReply{Service: r.Service, DependsOn: r.DependsOn, Dependents: r.Dependents, Locks: r.Locks}
}

// ForViewer is the part that a peer without a role may see.
func (s ServiceStatus) ForViewer() ServiceStatus {
	s.Source, s.Detail, s.StatusText = "", "", ""
	s.StartedUnderLock = straysForViewer(s.StartedUnderLock)
	if s.Job != nil {
		job := *s.Job
		job.LastExit = ""
		s.Job = &job
	}
	return s
}

// ExplainReply says why a service is as it is.
type ExplainReply struct {
	Service   string     `json:"service"`
	Lines     []string   `json:"lines"`      // what is, what holds it back, what would make supd act
	NextTimer *time.Time `json:"next_timer"` // when supd looks at it next without an event; null = never
	NextWhat  string     `json:"next_what"`
}

// JobStatus is what is known of the runs of a job.
type JobStatus struct {
	Schedule      string     `json:"schedule"`    // as in the config, "" = by hand or as a prerequisite
	NextRun       *time.Time `json:"next_run"`    // null = none is scheduled
	LastRun       *time.Time `json:"last_run"`    // when it began; null = never, as far as is known
	LastEnd       *time.Time `json:"last_end"`    // null = it runs, or never ran
	LastResult    string     `json:"last_result"` // done, failed, stopped; "" = it runs, or never ran
	LastExit      string     `json:"last_exit"`   // in words; "" for viewers
	LastDurationS float64    `json:"last_duration_s"`
	LastSuccess   *time.Time `json:"last_success"` // end of the last run that ended well; null = none known
	Skipped       uint64     `json:"skipped"`      // times of the schedule left out since supd started: it still ran, or was held
}

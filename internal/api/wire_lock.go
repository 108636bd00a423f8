package api

import (
	"slices"
	"time"
)

// Lock is one maintenance lock as `maintenance list -o json` shows it.
type Lock struct {
	ID        string     `json:"id"`
	Target    string     `json:"target"` // service, @group or --all
	Owner     string     `json:"owner"`
	UID       uint32     `json:"uid"`
	LoginUID  *uint32    `json:"login_uid"` // null = none
	TTY       string     `json:"tty"`
	Reason    string     `json:"reason"`
	Ticket    string     `json:"ticket"`
	Since     time.Time  `json:"since"`
	Until     *time.Time `json:"until"` // null = no end was said
	Overdue   bool       `json:"overdue"`
	Abandoned bool       `json:"abandoned"` // its owner's session or terminal is gone, or the maintenance exec that took it
	Ready     bool       `json:"ready"`     // nothing is left to fix, see not_ready

	Session  string   `json:"session"` // audit session id, "" = none
	Remote   string   `json:"remote"`  // address that SSH_CONNECTION of the program that took it claims: no evidence; "" = none
	PID      int      `json:"pid"`     // of the program that took it
	Host     string   `json:"host"`
	Members  []string `json:"members"` // services it covers, those it covered when taken included
	NotReady []string `json:"not_ready"`
	Attached bool     `json:"attached"` // pid ends it when its work is over (maintenance exec)
	Stopped  bool     `json:"stopped"`  // taken with --stop: meant to be down
	Replaces string   `json:"replaces"`
	Mine     bool     `json:"mine"` // of the peer who asks: same login and session
	File     string   `json:"file"`
	Orphaned bool     `json:"orphaned"` // no service of that name in the config

	AbandonedWhy string `json:"abandoned_why"` // who of them is gone, in words; "" unless abandoned

	Offer  *Offer `json:"offer"`  // who may accept it; null = nobody
	Offers int    `json:"offers"` // how often an offer was made or withdrawn, see MaintenanceTransfer
	ForMe  bool   `json:"for_me"` // it is offered to the peer who asks

	StartedUnderLock []Stray `json:"started_under_lock"` // what runs by another hand although the lock means it to be down; always a list
}

// Life is what shows that the work under a lock goes on: what somebody wants to know who is about to break it.
type Life struct {
	Signs    []string `json:"signs"`    // in words: whoever took it is there, or a process works under it or in its services' directories
	Complete bool     `json:"complete"` // false: not every process could be looked at
}

// BadLock is a lock or hold file that could not be read. What it covers counts
// as locked.
type BadLock struct {
	File   string `json:"file"`
	Target string `json:"target"` // "" if not even that is known: everything
	Reason string `json:"reason"`
}

// LocksReply is `maintenance list -o json`.
type LocksReply struct {
	Locks      []Lock    `json:"locks"`
	Unreadable []BadLock `json:"unreadable"`
}

// NewLock asks for one target; the client chooses the id, so that asking a slow
// daemon and then writing the file itself makes one lock, not two.
type NewLock struct {
	ID     string `json:"id"`
	Target string `json:"target"`
}

// MaintenanceStart asks for locks, all or none.
type MaintenanceStart struct {
	Locks           []NewLock `json:"locks"`
	Reason          string    `json:"reason,omitempty"`
	Ticket          string    `json:"ticket,omitempty"`
	ForS            float64   `json:"for_s,omitempty"` // expected end from now; 0 = the policy's default
	Stop            bool      `json:"stop,omitempty"`
	Attached        bool      `json:"attached,omitempty"` // the client that asks ends them when its work is over: without its process they are abandoned
	WaitS           float64   `json:"wait_s,omitempty"`   // for actions in flight; 0 = 60 s
	RequireIsolated bool      `json:"require_isolated,omitempty"`
}

// MaintenanceEnd takes away locks by id (never by target: a request executed
// late must not hit a newer lock). All of them are the peer's own.
type MaintenanceEnd struct {
	IDs          []string `json:"ids"`
	Start        bool     `json:"start,omitempty"`
	LeaveStopped bool     `json:"leave_stopped,omitempty"`
	Force        bool     `json:"force,omitempty"`
	Attached     bool     `json:"attached,omitempty"` // only those that are still attached, see MaintenanceStart: nobody relies on them but the client
	WaitS        float64  `json:"wait_s,omitempty"`
}

// MaintenanceBreak replaces somebody's lock by one of the peer's own, whose id
// the client chose.
type MaintenanceBreak struct {
	ID     string  `json:"id"`
	NewID  string  `json:"new_id"`
	Reason string  `json:"reason"`
	WaitS  float64 `json:"wait_s,omitempty"`
}

// MaintenanceReady asks again what the peer's own locks lack before work may
// begin; what is said now of reason and ticket is taken.
type MaintenanceReady struct {
	IDs    []string `json:"ids"`
	Reason string   `json:"reason,omitempty"`
	Ticket string   `json:"ticket,omitempty"`
}

// MaintenanceExtend moves the expected end of the peer's own locks.
type MaintenanceExtend struct {
	IDs  []string `json:"ids"`
	ForS float64  `json:"for_s"` // from now
}

// MaintenanceReply is the outcome of start, ready, end, break and extend. Code is the
// exit code: 0, or 6 or 7 with the locks standing.
type MaintenanceReply struct {
	Code       int       `json:"code"`
	Locks      []Lock    `json:"locks"`                // start, break, extend: those that stand now; end: those taken away
	Remaining  []Lock    `json:"remaining"`            // end: others' locks that still hold the targets
	Unreadable []BadLock `json:"unreadable,omitempty"` // end: files because of which targets count as locked all the same
	NotReady   []string  `json:"not_ready"`            // what to fix
	Missing    []string  `json:"missing,omitempty"`    // what of it the person could say: "reason", "ticket"

	MissingRules []string `json:"missing_rules,omitempty"` // what policy wants of each of missing, in words

	InFlight []InFlight `json:"in_flight"`
	Notes    []string   `json:"notes"` // what else the person should know, in words
	Next     string     `json:"next"`

	Isolation []Isolation `json:"isolation"`         // start: what else on the host could act on the targets
	Unseen    []string    `json:"isolation_unknown"` // start: what could not be looked at, so that nothing is known of it

	Changes *ChangesReply `json:"changes,omitempty"` // end: filled in by supctl, what changed during the work
}

// JudgeReady says what the locks lack of a reply to whoever took them over, and gives it the code for that if nothing is worse.
func (r *MaintenanceReply) JudgeReady() {
	for _, l := range r.Locks {
		for _, text := range l.NotReady {
			if !slices.Contains(r.NotReady, text) {
				r.NotReady = append(r.NotReady, text)
			}
		}
	}
	if r.Code == CodeDone && len(r.NotReady) > 0 {
		r.Code = CodeNotReady
	}
}

// ChangesReply is what is otherwise than when locks were taken.
type ChangesReply struct {
	Services []ServiceChanges `json:"services"` // all that the locks cover
	Packages []string         `json:"packages"` // of packages that the services' programs belong to, in words
}

// ServiceChanges is what is otherwise with one service, in words.
type ServiceChanges struct {
	Service string     `json:"service"`
	Known   bool       `json:"known"` // false: what it was is not known, the lock was taken without supd or its note was lost
	Since   *time.Time `json:"since"` // when it was looked at; null = never
	PID     int        `json:"pid"`   // now; 0 = it is down
	Changes []string   `json:"changes"`
}

// InFlight is an action that had begun before a lock and is not over.
type InFlight struct {
	Service string    `json:"service"`
	Verb    string    `json:"verb"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Stopped bool      `json:"stopped"` // a restart past its stop, or a process in state T: see Text
	Text    string    `json:"text"`
}

// MaintenanceCheck is the answer for scripts.
type MaintenanceCheck struct {
	Target string `json:"target"`
	Code   int    `json:"code"` // 0 free, 4 locked, 8 unknown
	Locked bool   `json:"locked"`
	Holds  []Hold `json:"holds"`
	Locks  []Lock `json:"locks"`
}

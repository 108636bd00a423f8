package lockfile

import (
	"fmt"
	"time"
)

// FormatVersion is the version written into every file of the state directory. A file of a
// newer version is honoured as far as it can be read, and counts as a lock or hold in any case.
const FormatVersion = 1

// Lock is one person's claim on one target: the content of locks/KIND/NAME/ID.toml.
type Lock struct {
	Format    int                 `toml:"format"`
	ID        string              `toml:"id"`
	Target    Target              `toml:"target"`
	Reason    string              `toml:"reason,omitempty"`
	Ticket    string              `toml:"ticket,omitempty"`
	TakenAt   time.Time           `toml:"taken_at"`
	Until     time.Time           `toml:"until,omitempty"`     // expected end; zero if none was given. Nothing ever happens by it except words
	MeantDown bool                `toml:"meant_down"`          // taken with --stop: the service is meant to be down
	Attached  bool                `toml:"attached,omitempty"`  // its owner's process ends it when its work is over: without that process it is abandoned
	NotReady  []string            `toml:"not_ready,omitempty"` // what is missing before work may begin, as it was last seen
	Unproven  []string            `toml:"unproven,omitempty"`  // what of it only another look at the service settles: see MaintenanceReady of package api
	Replaces  string              `toml:"replaces,omitempty"`  // id of the lock this one broke or took over
	Offers    int                 `toml:"offers,omitempty"`    // how often an offer was made or withdrawn
	Host      string              `toml:"host"`
	BootID    string              `toml:"boot_id"`
	OwnerBoot string              `toml:"owner_boot,omitempty"` // boot in which its owner took it up again, see Reclaim; "": only that of BootID
	Owner     Owner               `toml:"owner"`
	Offer     *Offer              `toml:"offer,omitempty"`   // who may take it over; nil: nobody
	Members   map[string]Identity `toml:"members,omitempty"` // services covered when it was taken, with what they were
	Ended     *Ended              `toml:"ended,omitempty"`   // only under ended/

	extra map[string]any // keys of a newer version, kept when the file is rewritten
}

// Ended says how a lock went. It is stamped on the file just before it moves to ended/; absent
// if the disk was full.
type Ended struct {
	At    time.Time `toml:"at"`
	By    Owner     `toml:"by"`
	How   string    `toml:"how"` // "end", "break", "transfer"
	Note  string    `toml:"note,omitempty"`
	Force bool      `toml:"force,omitempty"`
}

// Overdue says whether the expected end has passed. A lock that is overdue goes on holding.
func (l Lock) Overdue(now time.Time) bool { return !l.Until.IsZero() && now.After(l.Until) }

// HoldKind says why a service is held besides a lock. Only the two kinds of which nobody else
// knows are files here; interlocks live in the daemon's memory and reach the gate through
// Request.Extra.
type HoldKind string

const (
	HoldOperatorStop HoldKind = "operator-stop"
	HoldRestartLimit HoldKind = "restart-limit"
	HoldInterlock    HoldKind = "interlock"
)

// HoldKinds is every kind that may stand in a file. A hold of another kind holds as well, people too.
func HoldKinds() []HoldKind { return []HoldKind{HoldOperatorStop, HoldRestartLimit} }

// Hold is the content of holds/NAME/ID.toml.
type Hold struct {
	Format  int       `toml:"format"`
	ID      string    `toml:"id"`
	Service string    `toml:"service"`
	Kind    HoldKind  `toml:"kind"`
	By      string    `toml:"by,omitempty"`
	Reason  string    `toml:"reason,omitempty"`
	Since   time.Time `toml:"since"`
	TTY     string    `toml:"tty,omitempty"`
	LockID  string    `toml:"lock_id,omitempty"` // the lock whose end with --leave-stopped made this hold
	BootID  string    `toml:"boot_id"`

	extra map[string]any
}

// HoldSpec is a hold to be made; the rest is filled in when it is written.
type HoldSpec struct {
	Kind   HoldKind
	By     string
	Reason string
	TTY    string
	LockID string
}

// Unreadable is a file or directory whose content could not be had. What it could cover counts
// as held.
type Unreadable struct {
	Path string
	Err  error
}

// String is for a sentence about something else that it is in the way of.
func (u Unreadable) String() string {
	return fmt.Sprintf("%s cannot be read (%v), so nobody else is known to hold it", u.Path, u.Err)
}

// Cover is everything that holds one service, as far as files tell.
type Cover struct {
	Locks      []Lock
	Holds      []Hold
	Unreadable []Unreadable
}

// Clean says that nothing at all covers the service and that all of it could be read.
func (c Cover) Clean() bool { return len(c.Locks) == 0 && len(c.Holds) == 0 && len(c.Unreadable) == 0 }

// Listing is every lock once, and every file that should be one and cannot be read.
type Listing struct {
	Locks      []Lock
	Unreadable []Unreadable
}

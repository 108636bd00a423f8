package configs

import (
	"fmt"
	"regexp"
	"time"
)

// DefaultPath is where supd and supctl look for the config without --config.
const DefaultPath = "/etc/supd/supd.toml"

// Plan is a config without mistakes. It is read-only: the shell hands it to
// many goroutines.
type Plan struct {
	Daemon      Daemon
	API         API
	Maintenance Maintenance         // policy for all; each Service carries its own, already merged
	Services    map[string]*Service // by name
	Groups      map[string]*Group   // by name, without the "@"
	Checks      map[string]*Check   // the ones that belong to no service, by name
	globs       []string            // absolute, as includes name them
	content     content             // of Files
	Files       []string            // main file first, then includes in the order they were read; absolute

	instances map[string]int // tables that stand for several services, and for how many

	written map[string]map[string]any // [daemon], [api], [maintenance] as they stand in the files
	places  map[string]stood          // where their keys stand
	secrets []secret                  // see Veil
	flags   map[string]string         // "daemon.state_dir" → the flag that overrides it
}

// Mode says whether supd acts or only says what it would do.
type Mode string

// The two modes, for the daemon and per service.
const (
	ModeActive  Mode = "active"
	ModeObserve Mode = "observe"
)

// OnExit says what becomes of the services when supd is told to end.
type OnExit string

// ExitLeave lets services outlive supd; ExitStop takes them down in order.
const (
	ExitLeave OnExit = "leave"
	ExitStop  OnExit = "stop"
)

// Daemon is the table [daemon].
type Daemon struct {
	Mode     Mode   `toml:"mode"`
	StateDir string `toml:"state_dir"`
	RunDir   string `toml:"run_dir"`
	OnExit   OnExit `toml:"on_exit"`
}

// API is the table [api]. Socket is never empty in a Plan: it defaults to
// supd.sock in the run directory.
type API struct {
	Socket    string   `toml:"socket"`
	Listen    string   `toml:"listen"`    // HOST:PORT, "" = off
	Operators []string `toml:"operators"` // "group:NAME|GID", "user:NAME|UID", "any"
	Admins    []string `toml:"admins"`
}

// Maintenance is policy for locks; none of it ever refuses a lock. The table
// stands at the top for all services and in a service for that one, where it
// overrides key by key.
type Maintenance struct {
	RequireReason   bool          `toml:"require_reason"`
	RequireTicket   string        `toml:"require_ticket"` // regular expression, matched against the whole ticket; "" = none needed
	DefaultDuration time.Duration `toml:"default_duration"`
	RemindEvery     time.Duration `toml:"remind_every"`
	Settle          time.Duration `toml:"settle"`  // after a release: alert, do not act
	Require         []string      `toml:"require"` // checks that must pass: "NAME" of a check of this service or of a standalone one, "SERVICE/NAME"
	MustBeFree      []string      `toml:"must_be_free"`

	ticketWritten string // RequireTicket as it stands in the file, with ${NAME}
}

// TicketWanted is the expression that a ticket has to match, as the file has it: what may be shown.
func (m Maintenance) TicketWanted() string { return m.ticketWritten }

// written notes what stands in the table that was read into m.
func (m *Maintenance) written(table map[string]any) {
	if text, ok := table["require_ticket"].(string); ok {
		m.ticketWritten = text
	}
}

// TicketOK reports whether a lock with this ticket satisfies the policy.
// RequireTicket was compiled once by Load, so it compiles here.
func (m Maintenance) TicketOK(ticket string) bool {
	if m.RequireTicket == "" {
		return true
	}
	re, err := regexp.Compile(`^(?:` + m.RequireTicket + `)$`)
	return err == nil && re.MatchString(ticket)
}

// Group is the table [group.NAME]: a name, written @NAME, for several services.
type Group struct {
	Name     string   `toml:"-"`
	Source   Source   `toml:"-"`
	Services []string `toml:"services"`

	at  stood          // where its keys stand
	raw map[string]any // the table as written
}

// Source is where something stands in the files. Line 0: nowhere (a default).
type Source struct {
	File string
	Line int
}

// String gives FILE:LINE.
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

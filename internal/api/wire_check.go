package api

import (
	"time"

	"github.com/supd/supd/internal/journal"
)

// CheckStatus is one check with its last result.
type CheckStatus struct {
	Service    string     `json:"service"` // "" = belongs to none
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	State      string     `json:"state"`  // ok failing unknown
	Since      *time.Time `json:"since"`  // of the state
	Last       *time.Time `json:"last"`   // run
	Next       *time.Time `json:"next"`   // run; null = not scheduled
	Detail     string     `json:"detail"` // why, in words; "" for viewers
	Value      string     `json:"value"`  // "" for viewers
	DurationS  float64    `json:"duration_s"`
	Failures   int        `json:"failures"` // in a row
	OnFail     string     `json:"on_fail"`
	Paused     bool       `json:"paused"` // shown, but acts on nothing now
	Interlocks []string   `json:"interlocks"`
}

// ForViewer is the part that a peer without a role may see.
func (c CheckStatus) ForViewer() CheckStatus {
	c.Detail, c.Value = "", ""
	return c
}

// ChecksReply is `check list -o json`.
type ChecksReply struct {
	Checks []CheckStatus `json:"checks"`
}

// CheckHistoryReply is `check history -o json`, oldest first.
type CheckHistoryReply struct {
	Service string                `json:"service"`
	Check   string                `json:"check"`
	Results []journal.CheckResult `json:"results"`
}

// EventsReply is a query's answer; followers get one journal.Event per line.
type EventsReply struct {
	Events []journal.Event `json:"events"`
}

// LogLine is one line of a service's output.
type LogLine struct {
	Time *time.Time `json:"time"` // null where the source has none (a file)
	PID  int        `json:"pid,omitempty"`
	Text string     `json:"text"`
}

// LogsReply is the answer without follow; followers get one LogLine per line.
type LogsReply struct {
	Lines []LogLine `json:"lines"`
}

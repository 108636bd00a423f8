package journal

import "time"

// Severities of an event, in rising order. A journal accepts any text; these
// are the ones supd writes.
const (
	Info    = "info"
	Notice  = "notice"
	Warning = "warning"
	Error   = "error"
)

// Types of the events that the journal writes about itself.
const (
	TypeDegraded  = "journal.degraded"  // history is kept in memory only, or not saved for now
	TypeRecovered = "journal.recovered" // history is saved again
	TypeDamaged   = "journal.damaged"   // the database was moved aside, a new one begun
	TypeLost      = "journal.lost"      // a marker: so many events before it were dropped
)

// Event is one thing that happened. It is also the wire form of the API and of
// `supctl events -o json`.
type Event struct {
	Seq      uint64            `json:"seq"`               // rises by the order of Append; gaps are possible, repeats are not
	Time     time.Time         `json:"time"`              // wall clock at Append
	Boottime int64             `json:"boottime_ns"`       // CLOCK_BOOTTIME at Append, ns; orders events when the wall clock jumped
	Type     string            `json:"type"`              // dotted, e.g. "service.crashed"
	Service  string            `json:"service,omitempty"` // "" when it concerns none
	Severity string            `json:"severity"`
	Text     string            `json:"text"`
	Fields   map[string]string `json:"fields,omitempty"` // never changed after Append
}

// Query selects events. The zero value selects the newest limitDefault of all.
type Query struct {
	Since   time.Time // zero: from the beginning
	Service string    // "" = every service
	Type    string    // exact ("service.crashed"), or a prefix ending in "." or "*" ("service.")
	Limit   int       // the newest so many; 0 = limitDefault, < 0 = no limit
}

const limitDefault = 1000

// Matches tells whether the query selects e (Limit aside).
func (q Query) Matches(e *Event) bool {
	return q.matches(e.Time.UnixNano(), e.Service, e.Type)
}

func (q Query) matches(unixNano int64, service, kind string) bool {
	if q.Service != "" && q.Service != service {
		return false
	}
	if !q.Since.IsZero() && unixNano < q.Since.UnixNano() {
		return false
	}
	return q.Type == "" || typeMatches(q.Type, kind)
}

func typeMatches(pattern, kind string) bool {
	n := len(pattern) - 1
	switch pattern[n] {
	case '*':
		return len(kind) >= n && kind[:n] == pattern[:n]
	case '.':
		return len(kind) > n && kind[:n+1] == pattern
	}
	return pattern == kind
}

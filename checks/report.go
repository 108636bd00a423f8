package checks

import (
	"time"
)

// Key names a check: a service's, or one of its own when Service is "".
type Key struct {
	Service string `json:"service"`
	Name    string `json:"name"`
}

// String is "SERVICE/NAME", or "NAME" for a check of its own.
func (k Key) String() string {
	if k.Service == "" {
		return k.Name
	}
	return k.Service + "/" + k.Name
}

// Report is what one look means: the result and what it changed.
type Report struct {
	Key
	Type     string
	Instance uint64    // that Resume gave for the service when the look began; 0 for a check of its own
	At       time.Time // when the look ended
	Result   Result    // with the verdict of `when`
	Believed State     // after fail_after and recover_after
	Since    time.Time // of Believed
	Change   Change    // NoChange in most reports
	Failures int       // looks in a row that failed
	Remind   bool      // it goes on failing and `remind` has passed since the last word about it
	Asked    bool      // by RunNow: shown, and evidence for nothing
	Frozen   bool      // the service is frozen: shown, and evidence for nothing
	Late     uint64    // runs that were left out so far because the one before had not ended
}

// Environ is the report for a program of on_fail = "exec", as NAME=value. SUPD_SERVICE is not among them: it marks a
// service's own processes.
func (r Report) Environ() []string {
	return []string{
		"SUPD_CHECK=" + r.Name,
		"SUPD_CHECK_SERVICE=" + r.Service,
		"SUPD_CHECK_TYPE=" + r.Type,
		"SUPD_CHECK_STATE=" + r.Believed.String(),
		"SUPD_CHECK_CHANGE=" + r.Change.String(),
		"SUPD_CHECK_DETAIL=" + r.Result.Detail,
		"SUPD_CHECK_VALUE=" + r.Result.Value.String(),
		"SUPD_CHECK_SINCE=" + r.Since.UTC().Format(time.RFC3339),
	}
}

// Status is where a check stands.
type Status struct {
	Last         Report    // zero before the first look
	Next         time.Time // zero while it is not scheduled
	Paused       bool      // its service is paused
	Frozen       bool      // its service is frozen
	RunningSince time.Time // zero when it does not run
}

// State is what to show: under a lock the last look, otherwise what is believed.
func (s Status) State() State {
	if s.Frozen {
		return s.Last.Result.State
	}
	return s.Last.Believed
}

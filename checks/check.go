package checks

import (
	"context"
	"fmt"
	"time"
)

// Check looks once at one thing. It may keep what it saw last (for rates and changes), so Run is never called twice at a
// time. ctx carries the check's timeout: Run returns soon after it ends, and leaves no goroutine or descriptor behind.
type Check interface {
	Run(ctx context.Context, env Env) Result
}

// State is the verdict of one look.
type State uint8

// Unknown is the zero value: a look that never happened is no success. It also says that nobody could look (the program
// cannot be started, a needed check fails, the service has no process): it counts neither as failed nor as passed.
const (
	Unknown State = iota
	OK
	Failing
)

func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Failing:
		return "failing"
	}
	return "unknown"
}

// MarshalText writes "ok", "failing" or "unknown".
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(text []byte) error {
	for _, known := range [...]State{Unknown, OK, Failing} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown check state %q; known: ok, failing, unknown", text)
}

// detailBytesMax bounds Detail: it goes into events, mails and the journal.
const detailBytesMax = 1 << 10

// Result is what one look saw.
type Result struct {
	State    State            `json:"state"`
	Detail   string           `json:"detail"`           // what was seen, in words a person can act on; never empty for Failing and Unknown
	Value    Value            `json:"value"`            // the main value; zero where there is none
	Values   map[string]Value `json:"values,omitempty"` // everything that `when` can ask for, by name; never written to after Run
	Duration time.Duration    `json:"duration_ns"`      // of the look; set by the scheduler
}

// Pass is a Result that is OK.
func Pass(format string, args ...any) Result { return verdict(OK, format, args) }

// Fail is a Result that is Failing. The text says what was wanted and what was seen.
func Fail(format string, args ...any) Result { return verdict(Failing, format, args) }

// Unclear is a Result that is Unknown. The text says why nobody could look.
func Unclear(format string, args ...any) Result { return verdict(Unknown, format, args) }

func verdict(s State, format string, args []any) Result {
	return Result{State: s, Detail: clip(fmt.Sprintf(format, args...), detailBytesMax)}
}

// With adds a value under its name; the first one becomes the main value.
func (r Result) With(name string, v Value) Result {
	if r.Values == nil {
		r.Values = map[string]Value{}
	}
	if r.Value.IsZero() {
		r.Value = v
	}
	r.Values[name] = v
	return r
}

package core

import (
	"fmt"
	"time"
)

// Instant is a moment of CLOCK_BOOTTIME in nanoseconds; 0 means "none". The core
// never sees a wall clock, so a clock jump cannot make it act.
type Instant int64

// Add returns the instant d after t.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Phase is what a service is, as opposed to what somebody wants it to be.
type Phase uint8

// The phases. An in-flight start is Starting, an in-flight stop or restart
// Stopping. A oneshot that runs is Up, one that ended well is Done.
const (
	Down     Phase = iota // not running, and no attempt is scheduled by a timer
	Starting              // being started, or running and not yet ready
	Up                    // running and ready
	Stopping              // being stopped, or restarted and not yet replaced
	Backoff               // failed; the next attempt waits for its time
	Failed                // failed for good: restart limit, or policy "never"
	Done                  // a oneshot that ended with success
	phases                // number of phases
)

var phaseNames = [phases]string{"down", "starting", "up", "stopping", "backoff", "failed", "done"}

// String is the name used in status, JSON and metrics.
func (p Phase) String() string {
	if p < phases {
		return phaseNames[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// MarshalText writes the name, so that a saved state can be read by a person.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Phase) UnmarshalText(b []byte) error {
	for i, n := range phaseNames {
		if n == string(b) {
			*p = Phase(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read phase %q: not one of %v", b, phaseNames)
}

// Want is what somebody asked for. It outlives failures and holds.
type Want uint8

// WantDown is the zero value: nobody asked for the service.
const (
	WantDown Want = iota
	WantUp
)

// String is "down" or "up", as in JSON.
func (w Want) String() string {
	if w == WantUp {
		return "up"
	}
	return "down"
}

// Verb names an effect on a service.
type Verb string

// The verbs of an Act and of a Request.
const (
	Start   Verb = "start"
	Stop    Verb = "stop"
	Restart Verb = "restart"
	Reload  Verb = "reload"
	Signal  Verb = "signal"
	Exec    Verb = "exec"
)

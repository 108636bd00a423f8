package core

import (
	"fmt"
	"time"
)

// A service with a watchdog tells supd again and again that it lives. The shell
// keeps the time of the last such word, and the core asks for it (Pulse) when it
// has to be too old by what was last known: a service that talks a thousand times
// a second costs the core as little as one that talks just in time.

// Heartbeat answers a Pulse. Unasked, it tells that the length of the watchdog
// has changed, or (Failed) that the service itself says that it is out of order.
type Heartbeat struct {
	Service string
	Gen     uint64
	At      Instant       // of the last sign of life
	Every   time.Duration // how far apart they may be; 0: none are expected
	Failed  bool
}

// Extend gives an instance that is being started more time: readiness may take
// until For from now.
type Extend struct {
	Service string
	Gen     uint64
	For     time.Duration
}

// Pulse asks for one Heartbeat, which the shell gives from memory.
type Pulse struct{ Service string }

func (Heartbeat) event() {}
func (Extend) event()    {}
func (Pulse) action()    {}

// sigABRT ends an instance that gives no sign of life, and leaves a core dump
// where those are kept: what it hung in is worth knowing.
const sigABRT = 6

// arm sets the watchdog of an instance that is up; a sign of life is due then.
func (c *turn) armWatchdog(s *Service) {
	s.WatchBy, s.Missed = 0, ""
	if s.Watchdog > 0 {
		s.WatchBy = c.now.Add(s.Watchdog)
	}
}

func (c *turn) heartbeat(ev Heartbeat) {
	s := c.get(ev.Service)
	if s == nil {
		return
	}
	if !s.Running || ev.Gen != s.Gen {
		c.ignore("an instance of another generation")
		return
	}
	s.Watchdog = ev.Every
	switch {
	case ev.Failed:
		c.missed(s, "it says itself that it is out of order (WATCHDOG=trigger)")
	case ev.Every <= 0:
		s.WatchBy, s.Missed = 0, ""
	case s.Phase != Up: // counts from when it is up
	case ev.At.Add(ev.Every) > c.now:
		s.WatchBy, s.Missed = ev.At.Add(ev.Every), ""
	default:
		s.WatchBy = c.now.Add(ev.Every) // held: one that lives again is noticed
		c.missed(s, fmt.Sprintf("no sign of life for %v", ev.Every))
	}
}

// missed notes a watchdog that was missed, once. What is done about it is decided
// after a look.
func (c *turn) missed(s *Service, why string) {
	if s.Missed == "" {
		sev, fields := Alert, s.instanceFields()
		if hasKind(s.Holds, HoldLock, HoldUnreadable) {
			sev, fields["under"] = Notice, "lock"
		}
		c.say(s, EvWatchdog, sev, fmt.Sprintf("watchdog of %q: %s", s.Spec.Name, why), fields)
	}
	s.Missed = why
	if c.wantsLook(s) {
		c.look(s)
	}
}

// extend puts off the moment at which a start has taken too long.
func (c *turn) extend(ev Extend) {
	s := c.get(ev.Service)
	switch {
	case s == nil:
	case !s.Running || ev.Gen != s.Gen:
		c.ignore("an instance of another generation")
	case s.Phase != Starting || s.Spec.Ready.byTime() || s.ReadyBy == 0:
		c.ignore("it is not waited for")
	default:
		s.ReadyBy = max(s.ReadyBy, c.now.Add(ev.For))
	}
}

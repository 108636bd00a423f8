package core

import "time"

// Policy says after which ends supd starts a service again.
type Policy string

// The policies of config.md.
const (
	OnFailure Policy = "on-failure"
	Always    Policy = "always"
	Never     Policy = "never"
)

// Choice is what to do where config offers hold or restart.
type Choice string

// The two choices. The empty Choice is the default of the field it is in.
const (
	ChooseHold    Choice = "hold"
	ChooseRestart Choice = "restart"
)

// ReadyMode says how a service shows that it is ready.
type ReadyMode string

// ReadyTime waits Delay; every other mode waits for a Ready event.
const (
	ReadyTime   ReadyMode = "time"
	ReadyNotify ReadyMode = "notify"
	ReadyCheck  ReadyMode = "check"
	ReadyLog    ReadyMode = "log"
)

// ReadyRule is the readiness of a service.
type ReadyRule struct {
	Mode  ReadyMode     // "" is ReadyTime
	Delay time.Duration // for ReadyTime: alive this long is ready; 0 is ready at once
	Check string        // for ReadyCheck
}

// BackoffRule spaces the attempts of a service that keeps failing: the first
// waits First, the second Then, each later one Factor times longer up to Max,
// each shortened or lengthened by up to Jitter of itself.
type BackoffRule struct {
	First, Then, Max time.Duration
	Factor           float64
	Jitter           float64       // 0..1
	ResetAfter       time.Duration // up this long forgets earlier failures
}

// LimitRule makes a service Failed and held after N failures within Per.
type LimitRule struct {
	N   int // 0: no limit
	Per time.Duration
}

// Spec is what the core needs to know of a configured service. configs makes it
// with all defaults filled in.
type Spec struct {
	Name         string
	DependsOn    []string
	Autostart    bool
	Stateful     bool
	Observe      bool // say what would be done, act on nothing
	Oneshot      bool
	Policy       Policy // "" is OnFailure
	OperatorStop Choice // "" is ChooseHold
	UnknownExit  Choice // "" is ChooseRestart, or ChooseHold if Stateful
	Backoff      BackoffRule
	Limit        LimitRule
	Ready        ReadyRule
	ReadyTimeout time.Duration // 0: none
	StopTimeout  time.Duration // how long a stop may take before KILL
}

// DefaultBackoff is config.md's back-off, for callers without a config.
func DefaultBackoff() BackoffRule {
	return BackoffRule{First: 0, Then: 100 * time.Millisecond, Max: time.Minute, Factor: 2, Jitter: 0.1, ResetAfter: time.Minute}
}

package core

import "time"

// Event is something that happened. The set is sealed: Step knows every kind.
type Event interface{ event() }

// Configure adds a service, or gives a known one a new Spec (its policies apply
// at once, its process is not touched). PlanGen is the generation of the plan.
type Configure struct {
	Spec    Spec
	PlanGen uint64
}

// Orphan says that the service vanished from the config. It goes on supervised.
type Orphan struct{ Service string }

// Forget removes a service from the core; its process, if any, is left alone.
type Forget struct{ Service string }

// Observed answers an Observe. The shell read the epoch first, then locks and
// holds, and only then looked at the process.
type Observed struct {
	Service     string
	PlanGen     uint64
	Epoch       string
	SettleUntil Instant // 0 if no lock was released; an epoch made for another reason carries it on
	Clean       bool    // no lock or hold covered the service
	Holds       []Hold  // files and unreadable state, without the core's interlocks
	Running     bool
	Gen         uint64 // of the instance that runs (see Stranger), else the last one known: no generation is used twice
	PID         int
	DiedUnseen  bool          // it was running when supd last knew, and ended while nobody looked
	Watchdog    time.Duration // of the instance that runs
	Recorded    string        // with DiedUnseen: how it ended, if an earlier supd saw that and has it on record
	Ended       *Exit         // of an instance that supd found at its start and that ended before the first look, maybe before anybody could be told
	Since       Instant       // from when on it is so, for the first look at it; 0: not known. Only shown
	Completed   bool          // a oneshot that ended well earlier in this boot, as remembered by the shell
}

// Stranger is set in the generation of an instance that supd finds, while it
// runs, and did not start: the shell counts these itself, and must not hit upon a
// number that an Act in flight carries. (What is found when supd starts may have
// one above the last known: the core has given out none yet.)
const Stranger uint64 = 1 << 63

// Exit is how a process ended.
type Exit struct {
	Known          bool // false: status could not be had; Code and Signal mean nothing
	Code           int
	Signal         int // 0 if it exited by itself
	CoreDump       bool
	OOM            bool
	BySupd         bool   // ended by a stop or restart of supd (or of its helper, also of a supd that died); not by the verb signal
	FromSession    bool   // a process of a login session sent the signal
	ByMemoryKiller bool   // earlyoom, systemd-oomd
	PidfileRemoved bool   // for daemons with a pidfile and an unknown status: it was removed
	PidfileLeft    bool   // ditto: it is still there
	AtWork         string // who was at work in a stateful service's data when it ended, "" nobody, as far as is known
	AtWorkHow      string // with which process, and at what
	Sender         string // who sent the signal, in words, "" if unknown
}

// Exited says that an instance ended. One of an older generation is dropped.
type Exited struct {
	Service string
	Gen     uint64
	Exit    Exit
}

// Ready says that an instance reported readiness (notification, check, log line).
type Ready struct {
	Service string
	Gen     uint64
}

// OnFail is what a failing check asks for.
type OnFail string

// The consequences of checks.md.
const (
	FailAlert   OnFail = "alert"
	FailRestart OnFail = "restart"
	FailStart   OnFail = "start"
	FailStop    OnFail = "stop"
	FailReload  OnFail = "reload"
	FailExec    OnFail = "exec"
	FailHold    OnFail = "hold"
	FailNone    OnFail = "none"
)

// CheckFailed says that a check passed its tolerance. Gen is the instance that
// was checked, 0 for a check that is not about an instance.
type CheckFailed struct {
	Service string
	Gen     uint64
	Check   string
	OnFail  OnFail
	Reason  string
}

// CheckRecovered says that a failing check passes again.
type CheckRecovered struct {
	Service string
	Gen     uint64
	Check   string
}

// Interlock says that a check which holds the service began or ceased to fail.
type Interlock struct {
	Service string
	Check   string
	On      bool
	Reason  string
}

// Request is an operator's wish. It is answered by progress Replies and exactly
// one final Reply.
type Request struct {
	ID                uint64
	Service           string
	Verb              Verb
	By                string // who, for records; the gate knows the identity itself
	Reason            string
	Signal            int
	Override          bool // a holder among several
	OverrideInterlock bool
	WithDependents    bool
	KeepDependents    bool // stop: leave dependents running, to be shielded while this one is down
}

// CancelRequest says that nobody waits for the answer any more. An Act in
// flight goes on; what has not begun is dropped, without a Reply.
type CancelRequest struct{ ID uint64 }

// Outcome is how an Act ended.
type Outcome uint8

// The outcomes of a gate pass.
const (
	ActDone       Outcome = iota // the effect happened; for start and restart Gen and PID are set
	ActFailed                    // permitted and tried; Err says why it failed
	ActSuppressed                // a lock or hold is in the way; Holds says which
	ActStale                     // tokens did not match: decide afresh
	ActBusy                      // another action is in flight; try again later
	outcomes
)

// Result answers an Act.
type Result struct {
	Act      uint64
	Service  string
	Outcome  Outcome
	Err      string
	Gen      uint64
	PID      int
	Watchdog time.Duration // of the instance that was started; 0: it is not asked for signs of life
	Holds    []Hold        // with ActSuppressed
}

// HoldsChanged says that a watcher saw lock or hold files of the service change;
// Holds is what they say now. It never is a reason to act, only to look.
type HoldsChanged struct {
	Service string
	Holds   []Hold
}

// Tick says that NextDeadline has come.
type Tick struct{}

// Due says that the time of a job's schedule has come. The shell keeps the calendar: the core has no wall clock.
type Due struct{ Service string }

// Shutdown ends supd. With StopServices the services are stopped first, in
// reverse order of dependency; locked ones are left as they are.
type Shutdown struct{ StopServices bool }

func (Configure) event()      {}
func (Orphan) event()         {}
func (Forget) event()         {}
func (Observed) event()       {}
func (Exited) event()         {}
func (Ready) event()          {}
func (CheckFailed) event()    {}
func (CheckRecovered) event() {}
func (Interlock) event()      {}
func (Request) event()        {}
func (CancelRequest) event()  {}
func (Result) event()         {}
func (HoldsChanged) event()   {}
func (Tick) event()           {}
func (Due) event()            {}
func (Shutdown) event()       {}

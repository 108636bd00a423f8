package core

import "time"

// State is everything the core knows. Plain data: it survives a re-exec as JSON
// (what is unexported is derived and rebuilt). Only Step changes it; others may
// read it from the goroutine that calls Step.
type State struct {
	Seed        uint64              `json:"seed"`         // of the jitter; advances with use
	LastAct     uint64              `json:"last_act"`     // highest Act.ID given out
	ObserveOnly bool                `json:"observe_only"` // act on nothing, for all services
	Services    map[string]*Service `json:"services"`
	Requests    map[uint64]*Pending `json:"requests,omitempty"` // asked and not finally answered
	Closing     *Closing            `json:"closing,omitempty"`  // a Shutdown under way

	index *index
}

// New returns the state of a supd that has just started and knows nothing.
func New(seed uint64, observeOnly bool) *State {
	return &State{
		Seed: seed, ObserveOnly: observeOnly,
		Services: map[string]*Service{}, Requests: map[uint64]*Pending{},
	}
}

// Service is the core's knowledge of one service.
type Service struct {
	Spec     Spec   `json:"spec"`
	PlanGen  uint64 `json:"plan_gen"`
	Orphaned bool   `json:"orphaned,omitempty"` // vanished from the config, goes on supervised

	Want  Want    `json:"want"`
	Phase Phase   `json:"phase"`
	Why   string  `json:"why,omitempty"` // why it is in Phase, in words
	Since Instant `json:"since"`         // of Phase

	Gen     uint64  `json:"gen"`      // of the instance that runs; means nothing unless Running
	LastGen uint64  `json:"last_gen"` // highest generation seen or given out
	PID     int     `json:"pid,omitempty"`
	Running bool    `json:"running"`            // an instance exists, as far as the core was told
	UpSince Instant `json:"up_since,omitempty"` // of the instance that is Up

	Holds       []Hold  `json:"holds,omitempty"`      // files, as last told by the shell
	Interlocks  []Hold  `json:"interlocks,omitempty"` // in memory: failing checks that hold the service
	Stopped     *Hold   `json:"stopped,omitempty"`    // an operator stop whose file has not been seen yet
	Epoch       string  `json:"epoch,omitempty"`      // of the last observation
	OwnEpoch    bool    `json:"own_epoch,omitempty"`  // supd itself has cleared holds since: the next epoch is no release
	SettleUntil Instant `json:"settle_until,omitempty"`
	Known       bool    `json:"known"`               // the first observation has come
	Observing   bool    `json:"observing,omitempty"` // an Observe is unanswered
	Again       bool    `json:"again,omitempty"`     // something happened since: that answer is out of date

	Act        *InFlight `json:"act,omitempty"`
	Suppressed string    `json:"suppressed,omitempty"` // what was last reported as suppressed, so that it is said once

	Fails     int       `json:"fails,omitempty"`      // failures in a row
	FailTimes []Instant `json:"fail_times,omitempty"` // within the limit's window, oldest first
	Looping   bool      `json:"looping,omitempty"`    // the longest back-off was reported
	Restarts  uint64    `json:"restarts"`             // automatic starts and restarts since supd started

	ReadyBy   Instant       `json:"ready_by,omitempty"`  // Starting: ready (ReadyTime) or too late (others) at this time
	TooLate   bool          `json:"too_late,omitempty"`  // Starting: readiness timed out, to be stopped
	Watchdog  time.Duration `json:"watchdog,omitempty"`  // of the instance that runs: how far apart its signs of life may be
	WatchBy   Instant       `json:"watch_by,omitempty"`  // Up: the next sign of life is due
	Missed    string        `json:"missed,omitempty"`    // why its watchdog counts as missed; to be stopped
	RetryAt   Instant       `json:"retry_at,omitempty"`  // look again then: back-off, busy gate, missing exit
	Tries     int           `json:"tries,omitempty"`     // busy gates in a row
	Vanished  bool          `json:"vanished,omitempty"`  // an observation found no process, its exit has not been told yet
	Raised    bool          `json:"raised,omitempty"`    // seen up although an operator stop is on disk: wanted up once that is cleared
	Shield    string        `json:"shield,omitempty"`    // the prerequisite that explains why it is down
	Pulled    string        `json:"pulled,omitempty"`    // who needs it, if it is wanted as a prerequisite
	Plans     []uint64      `json:"plans,omitempty"`     // requests that stop other services and must stop this one first
	Forgotten bool          `json:"forgotten,omitempty"` // to be removed when its Act has ended

	Due     bool   `json:"due,omitempty"`     // a job whose time has come, to be decided after a look
	Skipped uint64 `json:"skipped,omitempty"` // runs of its schedule that were left out since supd started

	Failing []Failing `json:"failing,omitempty"` // checks that fail, by name
	Queue   []uint64  `json:"queue,omitempty"`   // requests for this service, oldest first

	slot int // place in the timer heap + 1; 0: none
}

// InFlight is an Act without its Result.
type InFlight struct {
	Act   Act     `json:"act"`
	From  Phase   `json:"from"` // phase to go back to when the Act did not happen
	Why   string  `json:"why"`  // and its reason
	Was   Instant `json:"was"`  // and since when
	Since Instant `json:"since"`
	Ended *Exit   `json:"ended,omitempty"` // the instance it acts on ended meanwhile
	Early *Exit   `json:"early,omitempty"` // the instance it started ended before the Result came
	Due   bool    `json:"due,omitempty"`   // it is the run of a schedule
	Ready bool    `json:"ready,omitempty"` // the instance it started, or is to stop, became ready before the Result came
}

// Failing is a check that fails and what it asks for.
type Failing struct {
	Check     string  `json:"check"`
	OnFail    OnFail  `json:"on_fail"`
	Reason    string  `json:"reason"`
	Acted     bool    `json:"acted,omitempty"` // done or decided against: not again until it has recovered
	NotBefore Instant `json:"not_before,omitempty"`
}

// Pending is a Request that has not been answered finally.
type Pending struct {
	Request Request `json:"request"`
	Asked   Instant `json:"asked"`
	Acting  bool    `json:"acting,omitempty"`  // its own Act is in flight
	Started bool    `json:"started,omitempty"` // its Act is done, it waits for readiness
	Told    string  `json:"told,omitempty"`    // the last progress text
	Tries   int     `json:"tries,omitempty"`
}

// Closing is a Shutdown under way.
type Closing struct {
	Stop bool            `json:"stop"`
	By   Instant         `json:"by"`             // give up waiting then
	Open map[string]bool `json:"open,omitempty"` // services still to be stopped or found to be held
	Done bool            `json:"done,omitempty"` // Quit was given
}

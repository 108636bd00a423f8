package core

// Action is something the shell is to do. The set is sealed.
type Action interface{ action() }

// Observe asks for one observation of the service, in protocol.md's order. It
// is answered by exactly one Observed.
type Observe struct{ Service string }

// Decision is the token of an automatic Act, from the observation it was made
// in. The gate drops the Act when PlanGen or Epoch differ or Clean is false.
type Decision struct {
	PlanGen uint64 `json:"plan_gen"`
	Epoch   string `json:"epoch"`
	Clean   bool   `json:"clean"`
}

// Act asks for one effect through the gate. It is answered by exactly one Result.
type Act struct {
	ID        uint64   `json:"id"`
	Service   string   `json:"service"`
	Verb      Verb     `json:"verb"`
	Gen       uint64   `json:"gen"`       // of the instance to be started (start, restart) or acted on; 0 with stop: nothing runs, write Hold only
	Automatic bool     `json:"automatic"` // supd decided: any hold suppresses it, and Decision must still be true
	Decision  Decision `json:"decision"`

	Requests          []uint64  `json:"requests,omitempty"` // whose wish it is; with Automatic: for whom a prerequisite is started
	By                string    `json:"by"`
	Reason            string    `json:"reason"`
	Override          bool      `json:"override,omitempty"`
	OverrideInterlock bool      `json:"override_interlock,omitempty"`
	Signal            int       `json:"signal,omitempty"`
	Check             string    `json:"check,omitempty"`       // for Exec: whose program
	ClearHolds        bool      `json:"clear_holds,omitempty"` // remove operator-stop and restart-limit inside the gate, before the effect
	Hold              *HoldSpec `json:"hold,omitempty"`        // make it durable inside the gate, before the effect
}

// AddHold asks for a hold file. Not an effect on the service: no gate. Until it
// is seen in an Observed or HoldsChanged the core remembers the hold itself; the
// shell tries again for as long as the disk is full.
type AddHold struct {
	Service string
	Hold    HoldSpec
}

// ClearHolds asks to remove operator-stop and restart-limit holds, inside the
// gate and only if it still runs there: the service was seen up again.
type ClearHolds struct{ Service string }

// Severity orders events.
type Severity string

// An Alert is something a person should be told, a Warning something they will
// ask about, a Notice is for the record.
const (
	Notice  Severity = "notice"
	Warning Severity = "warning"
	Alert   Severity = "alert"
)

// Emit is an event for journal, log, metrics and alerts.
type Emit struct {
	Type     string // "service.crashed"; see events.go for all
	Service  string
	Severity Severity
	Text     string
	Fields   map[string]string // never changed after Step returned it; nil if none
}

// Reply answers a Request: any number with Progress, then one without. Code is
// an exit code of cli.md.
type Reply struct {
	Request  uint64
	Code     int
	Text     string
	Progress bool
}

// The exit codes that the core hands out.
const (
	CodeDone     = 0
	CodeFailed   = 1
	CodeUsage    = 2
	CodeNotFound = 3
	CodeHeld     = 4
	CodeDecide   = 5
)

// Quit ends supd: nothing is left to wait for.
type Quit struct{}

func (Observe) action()    {}
func (Act) action()        {}
func (AddHold) action()    {}
func (ClearHolds) action() {}
func (Emit) action()       {}
func (Reply) action()      {}
func (Quit) action()       {}

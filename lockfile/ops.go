package lockfile

import (
	"context"
	"time"
)

// LockWait is how long Lock waits by default for actions in flight.
const LockWait = 60 * time.Second

// LockRequest asks for one lock per target, all or none. Daemon and direct mode use the same.
type LockRequest struct {
	IDs       []string // one per target, from NewID, chosen by the client: asking again with the same id makes no second lock
	Targets   []Target
	Owner     Owner
	Reason    string
	Ticket    string
	Until     time.Time
	MeantDown bool
	Wait      time.Duration        // zero is LockWait
	Config    func() (Plan, error) // the config on disk, as a plan; nil or an error: only plan.toml resolves
	Progress  func(InFlight)       // called when the wait begins and whenever what it waits for changes
}

// InFlight is what a lock waits for.
type InFlight struct {
	Service string
	Record  *Record // nil: the gate is taken and nobody has said what for
}

// LockResult is what was taken.
type LockResult struct {
	Locks       []Lock
	Already     bool     // this owner's same lock was there before: nothing new was written
	Interrupted []Record // actions that a dead supd left half done, found on the way
	ConfigErr   error    // why the config on disk could not be used to resolve, if it could not
}

// NewID makes the random id of a lock.
func NewID() string { return "" }

// Lock takes locks. When it returns nil the locks are durable and nothing acts under them. Errors: *InFlightError (the locks stand; the
// same call waits again), *BrokenError (broken or ended meanwhile), *UnreadableError; anything else: not locked.
func (d *Dir) Lock(ctx context.Context, r LockRequest) (LockResult, error) {
	return LockResult{}, errNotBuilt
}

// EndRequest releases locks by id.
type EndRequest struct {
	IDs   []string
	Owner Owner
	// Verdict says whether the try-out of a service still holds, called inside the gates for each service that loses its last
	// lock: nil releases. With LeaveStopped it says whether the service is down. nil func: nothing can be verified.
	Verdict      func(service string) error
	LeaveStopped bool // make an operator stop for each such service, durable before the release
	Force        bool // release without a verdict
	Note         string
	Wait         time.Duration // zero is GateWait
}

// EndResult says what remains.
type EndResult struct {
	Ended       []Lock
	Freed       []string          // services that nothing holds any more, apart from holds
	Remain      map[string][]Lock // service -> others' locks
	Stopped     []Hold            // made by LeaveStopped
	Interrupted []Record
}

// End releases the caller's own locks. Errors: *InFlightError, *NotOwnerError, *GoneError, *VerifyError; the locks stand in every case.
func (d *Dir) End(ctx context.Context, r EndRequest) (EndResult, error) {
	return EndResult{}, errNotBuilt
}

// BreakRequest replaces somebody else's lock (or a damaged file) by one's own. Who may is the caller's business.
type BreakRequest struct {
	ID       string
	NewID    string
	Owner    Owner
	Reason   string
	Until    time.Time
	Wait     time.Duration
	Config   func() (Plan, error)
	Progress func(InFlight)
}

// BreakResult names the old lock (zero but for ID and Target if its file was damaged) and the new one.
type BreakResult struct {
	Old, New    Lock
	Interrupted []Record
}

// Break hands the lock over; the gate stays shut throughout.
func (d *Dir) Break(ctx context.Context, r BreakRequest) (BreakResult, error) {
	return BreakResult{}, errNotBuilt
}

// Rewrite changes words of a lock (until, reason, ticket, not_ready), never its id, target or owner, under its gates.
func (d *Dir) Rewrite(ctx context.Context, id string, owner Owner, change func(*Lock)) (Lock, error) {
	return Lock{}, errNotBuilt
}

// Ended reads the locks that are over, newest first; tombstones are kept for TombstoneAge.
func (d *Dir) Ended() ([]Lock, []Unreadable) { return nil, nil }

// TombstoneAge is how long an ended lock's id is remembered, so that a late request cannot raise it again.
const TombstoneAge = 30 * 24 * time.Hour

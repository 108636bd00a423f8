package lockfile

import (
	"context"
	"errors"
	"os"
	"time"
)

var errNotBuilt = errors.New("lockfile: not built yet")

// Decision is what an automatic action was decided from.
type Decision struct {
	PlanGen uint64
	Epoch   string // Epoch.Token
	Clean   bool   // nothing covered the service when it was observed
}

// Request asks the gate for one action.
type Request struct {
	Services  []string // all that the action touches; all pass or none
	Verb      Verb
	Automatic bool
	Decisions map[string]Decision // automatic: one per service

	Actor             Owner // operator's: who asks
	Override          bool  // a holder acts although others hold it too
	OverrideInterlock bool
	By, Reason        string // for the record and for people

	// ClearHolds removes operator stops and restart limits inside the gate before the effect (start).
	ClearHolds bool
	// Hold is made durable inside the gate before the effect (stop).
	Hold *HoldSpec
	// Extra adds holds that are no files: interlocks. Called inside the gate.
	Extra func(service string) []Hold
	// Look is the second look at the process, inside the gate, just before the effect. An error drops the action (*StaleError).
	Look func(service string) error
	// Wait bounds the wait for the gates; zero is GateWait.
	Wait time.Duration
}

// GateWait is how long an action waits for its gates by default.
const GateWait = 10 * time.Second

// Do passes the gate: it takes the gates of all services, reads the lock state afresh, and calls act with a permit if nothing is
// against it. Everything act does has to be over when it returns, or be in the hands of a process that inherited the gate.
// Errors before act: *HeldError *UnreadableError *StaleError *BusyError *MarkerError; otherwise what act returned.
func (d *Dir) Do(ctx context.Context, r Request, act func(*Permit) error) error { return errNotBuilt }

// Permit is the proof that the gate was passed. It dies when Do returns.
type Permit struct{}

// Check fails unless the permit lives and covers this effect on this service. Every function with an effect calls it first.
func (p *Permit) Check(service string, verb Verb) error { return errNotBuilt }

// Alive says whether Do has not returned yet.
func (p *Permit) Alive() bool { return false }

// Covers says whether verb on service lies within what was asked: a restart covers stop and start, and so on.
func (p *Permit) Covers(service string, verb Verb) bool { return false }

// Verb is the action that was asked for.
func (p *Permit) Verb() Verb { return "" }

// Update changes the record of every service of the permit, on disk when it returns. To be called before the effect.
func (p *Permit) Update(change func(*Record)) error { return errNotBuilt }

// UpdateOf is Update for one service.
func (p *Permit) UpdateOf(service string, change func(*Record)) error { return errNotBuilt }

// File is the open gate of the (first) service, for a helper to inherit. The helper never unlocks it: it exits.
// It belongs to the permit; do not close it.
func (p *Permit) File() *os.File { return nil }

// FileOf is File for one of several services.
func (p *Permit) FileOf(service string) *os.File { return nil }

// HandOver leaves gate and record to the helper that inherited them: Do neither unlocks nor removes the record.
// For a daemon that goes away while the helper works on.
func (p *Permit) HandOver() {}

// Inherited is the helper's side of a gate.
type Inherited struct{}

// OpenInherited is for a process that was given a gate's descriptor: it may update the record, and nothing else.
// There is no unlock: the gate opens when the last process that has it exits.
func OpenInherited(fd uintptr, stateDir, service string) (*Inherited, error) {
	return nil, errNotBuilt
}

// Update changes the record, on disk when it returns.
func (h *Inherited) Update(change func(*Record)) error { return errNotBuilt }

// Record reads the record.
func (h *Inherited) Record() (Record, error) { return Record{}, errNotBuilt }

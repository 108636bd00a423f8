package lockfile

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

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
	// Decisions, one per service, are needed for automatic actions. For an operator's only
	// PlanGen counts, where given: it says under which plan the names were resolved.
	Decisions map[string]Decision

	Actor             Owner // operator's: who asks
	Override          bool  // a holder acts although others hold it too
	OverrideInterlock bool
	By, Reason        string // for the record and for people
	OnlyFree          bool   // every lock keeps it out, also the actor's own: for automation that is no supervisor's

	// ClearHolds removes operator stops and restart limits inside the gate before the effect (start).
	ClearHolds bool
	// Hold is made durable inside the gate before the effect (stop).
	Hold *HoldSpec
	// Extra adds holds that are no files: interlocks. Called inside the gate.
	Extra func(service string) []Hold
	// Look is the second look at the process, inside the gate, just before the effect: a start
	// finds the cgroup empty and no identified process, a stop finds the same process. An error
	// drops the action (*StaleError).
	Look func(service string) error
	// Wait bounds the wait for the gates; zero is GateWait.
	Wait time.Duration
	// Waiting is told when the action has to wait: for its gates, and whenever Permit.Waits says so. It may be
	// called more than once, and must not block.
	Waiting func()
}

// GateWait is how long an action waits for its gates by default.
const GateWait = 10 * time.Second

// Do passes the gate: it takes the gates of all services, reads the lock state afresh, and
// calls act with a permit if nothing is against it. Everything act does has to be over when it
// returns, or be in the hands of a process that inherited the gate. Errors before act:
// *HeldError *UnreadableError *StaleError *BusyError *MarkerError; otherwise what act returned.
func (d *Dir) Do(ctx context.Context, r Request, act func(*Permit) error) error {
	services, err := sortedNames(r.Services)
	if err != nil {
		return err
	}
	if err := d.marked(); err != nil {
		return err
	}
	gates, at, err := d.takeAll(ctx, services, unix.LOCK_EX, gateWait{until: deadline(r.Wait, GateWait), progress: r.Waiting})
	if err == errGateTaken {
		return &BusyError{at, d.recordForDisplay(at)}
	}
	if err != nil {
		return err
	}
	p := &Permit{d: d, req: r, gates: gates}
	if err := p.pass(services); err != nil {
		p.closeRecords()
		releaseAll(gates)
		return err
	}
	return p.run(act)
}

// pass is everything between the gates and the effect, in the protocol's order. On error no
// record of ours is left.
func (p *Permit) pass(services []string) error {
	d, r := p.d, &p.req
	if err := d.samePlan(services, r.Decisions); err != nil {
		return err
	}
	if err := p.nothingInFlight(services); err != nil {
		return err
	}
	covers, err := d.mayPass(services, r)
	if err != nil {
		return err
	}
	if r.Automatic {
		if err := d.fresh(services, r.Decisions); err != nil {
			return err
		}
	}
	if r.Look != nil {
		for _, s := range services {
			if err := r.Look(s); err != nil {
				return &StaleError{Service: s, Why: err.Error()}
			}
		}
	}
	if err := p.writeRecords(); err != nil {
		return err
	}
	if err := d.settleHolds(services, covers, r); err != nil {
		p.wipeRecords()
		return err
	}
	p.live.Store(true)
	return nil
}

// samePlan drops an action whose names were resolved under another plan: "web" may be another
// service by now.
func (d *Dir) samePlan(services []string, decisions map[string]Decision) error {
	plan, err := d.Plan()
	if err != nil {
		return &UnreadableError{services[0], []Unreadable{{d.path + "/plan.toml", err}}}
	}
	for _, s := range services {
		if dec, ok := decisions[s]; ok && dec.PlanGen != plan.Generation {
			return &StaleError{Service: s, Why: "the configuration was reloaded in between"}
		}
	}
	return nil
}

// nothingInFlight looks at the records. The gates are held, so a record's maker is not in the
// action any more, but what it started may be. A dead one is reported and removed, and the
// decision goes with it: it was made without that knowledge.
func (p *Permit) nothingInFlight(services []string) error {
	var dead *StaleError
	for _, s := range services {
		f, err := p.d.openRecord(s)
		if err != nil {
			return &UnreadableError{s, []Unreadable{{p.d.recordPath(s), err}}}
		}
		p.records = append(p.records, f)
		rec := f.rec
		if rec == nil {
			continue
		}
		if p.d.alive(rec) {
			return &BusyError{s, rec}
		}
		if err := f.bury(); err != nil {
			return err
		}
		if rec.Phase != PhaseDone {
			dead = &StaleError{Service: s, Why: "an earlier action was interrupted", Interrupted: rec}
		}
	}
	if dead != nil {
		return dead
	}
	return nil
}

// bury tells of a dead action and wipes its record out. The service's gate is held, shared or
// exclusive.
func (f *recordFile) bury() error {
	if f.rec.Phase != PhaseDone && f.d.opts.Interrupted != nil {
		f.d.opts.Interrupted(*f.rec)
	}
	return f.set(nil)
}

// mayPass reads what covers the services and judges the action by cli.md's table of verbs and holds.
func (d *Dir) mayPass(services []string, r *Request) (map[string]Cover, error) {
	covers := d.Snapshot(services)
	for _, s := range services {
		c := covers[s]
		if len(c.Unreadable) > 0 {
			return nil, &UnreadableError{s, c.Unreadable}
		}
		if r.Extra != nil {
			c.Holds = append(c.Holds, r.Extra(s)...)
		}
		if e := (&HeldError{s, r.Verb, lockedAgainst(c.Locks, r), heldAgainst(c.Holds, r)}); len(e.Locks)+len(e.Holds) > 0 {
			return nil, e
		}
	}
	return covers, nil
}

// lockedAgainst is the locks that keep the action out. A person passes his own; where others
// hold the service as well, he needs Override; who holds none of them never passes.
func lockedAgainst(locks []Lock, r *Request) []Lock {
	if r.Automatic || r.OnlyFree || len(locks) == 0 {
		return locks
	}
	others := slices.DeleteFunc(slices.Clone(locks), func(l Lock) bool { return l.Owner.Same(r.Actor) })
	if r.Override && len(others) < len(locks) {
		return nil
	}
	return others
}

// heldAgainst is the holds that keep the action out: all, for automation; for people,
// interlocks unless overridden, and kinds unknown here.
func heldAgainst(holds []Hold, r *Request) []Hold {
	if r.Automatic {
		return holds
	}
	return slices.DeleteFunc(slices.Clone(holds), func(h Hold) bool {
		return h.Kind == HoldOperatorStop || h.Kind == HoldRestartLimit || h.Kind == HoldInterlock && r.OverrideInterlock
	})
}

// fresh drops a decision made before or during a lock that is gone by now.
func (d *Dir) fresh(services []string, decisions map[string]Decision) error {
	for _, s := range services {
		dec, ok := decisions[s]
		if !ok || !dec.Clean {
			return &StaleError{Service: s, Why: "it was held when this was decided"}
		}
		e, err := d.epoch(s)
		if err != nil {
			return &UnreadableError{s, []Unreadable{{d.epochPath(s), err}}}
		}
		if e.Token != dec.Epoch {
			return &StaleError{Service: s, Why: "a hold was released since this was decided"}
		}
	}
	return nil
}

// settleHolds removes the holds that a start ends, and makes the one that a stop begins. Both
// are on disk when it returns.
func (d *Dir) settleHolds(services []string, covers map[string]Cover, r *Request) error {
	if r.ClearHolds {
		for _, s := range services {
			if _, err := d.clearHolds(s, covers[s].Holds); err != nil {
				return err
			}
		}
	}
	if r.Hold != nil {
		for _, s := range services {
			if _, err := d.AddHold(s, *r.Hold); err != nil {
				return err
			}
		}
	}
	return nil
}

// sortedNames validates names and puts them in the order in which everybody takes gates.
func sortedNames(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, errors.New("no service named")
	}
	for _, n := range names {
		if err := ValidName(n); err != nil {
			return nil, err
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

// deadline is when a wait is over; zero or less means the default.
func deadline(wait, otherwise time.Duration) time.Time {
	if wait <= 0 {
		wait = otherwise
	}
	return time.Now().Add(wait)
}

// recordForDisplay reads a record without its gate, to say what is in the way; nil if it cannot
// be said.
func (d *Dir) recordForDisplay(service string) *Record {
	r, err := d.readRecord(service)
	if err != nil {
		return nil
	}
	return r
}

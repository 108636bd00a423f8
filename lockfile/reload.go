package lockfile

import (
	"context"
	"maps"
	"time"

	"golang.org/x/sys/unix"
)

// ReloadRequest puts a new plan in force.
type ReloadRequest struct {
	Affected []string                            // names, old and new, that appear, vanish or change identity or group
	Vanished []string                            // names that the config had, and has no more; the plan may keep them pending
	Build    func(pending map[string]error) Plan // the next plan, without the changes of pending names. Reload sets its generation
	Swap     func(Plan)                          // called under the gates once plan.toml is durable: use the new plan from here on
	Wait     time.Duration                       // per gate; zero is reloadWait
}

// reloadWait is how long a reload waits for one gate before that service's change is left pending.
const reloadWait = 200 * time.Millisecond

// Reload takes the gates of the affected names, finds which are busy (*BusyError) or locked
// (*HeldError), whose changes stay pending, hangs existing locks on new names of a recorded
// identity (and on unknown ones, if what a lock covers vanishes), carries stops over to them, writes plan.toml and swaps. A plan.toml that cannot be read is replaced: it is what
// the daemon last said, and the daemon says it anew.
func (d *Dir) Reload(ctx context.Context, r ReloadRequest) (Plan, error) {
	if err := d.marked(); err != nil {
		return Plan{}, err
	}
	old, oldErr := d.Plan()
	pending := map[string]error{}
	var names []string
	if len(r.Affected) > 0 {
		var err error
		if names, err = sortedNames(r.Affected); err != nil {
			return Plan{}, err
		}
	}
	var gates []*gate
	defer func() { releaseAll(gates) }()
	for _, s := range names {
		g, err := d.take(ctx, s, unix.LOCK_EX, gateWait{until: deadline(r.Wait, reloadWait)})
		if err != nil {
			pending[s] = d.busy(s, err)
			continue
		}
		gates = append(gates, g)
	}
	d.judgePending(names, old, pending)
	next := r.Build(maps.Clone(pending))
	next.Generation = old.Generation + 1
	if oldErr != nil { // unreadable: any number that no living decision can have
		next.Generation = uint64(boottime())
	}
	for s := range next.Services {
		if err := ValidName(s); err != nil {
			return Plan{}, err
		}
	}
	if err := d.spread(old, next, r.Vanished); err != nil {
		return Plan{}, err
	}
	if err := d.carryStops(old, next, r.Vanished); err != nil {
		return Plan{}, err
	}
	if err := d.putPlan(next); err != nil {
		return Plan{}, err
	}
	if r.Swap != nil {
		r.Swap(next)
	}
	return next, nil
}

// busy turns "the gate is taken" into who has it.
func (d *Dir) busy(service string, err error) error {
	if err == errGateTaken {
		return &BusyError{service, d.recordForDisplay(service)}
	}
	return err
}

// judgePending adds the names whose gates are held here and whose change has to wait all the
// same. A name that is new does not wait for a lock on it: it is there from the start, locked.
func (d *Dir) judgePending(names []string, old Plan, pending map[string]error) {
	covers := d.Snapshot(names)
	for _, s := range names {
		if pending[s] != nil {
			continue
		}
		if rec, err := d.readRecord(s); err != nil {
			pending[s] = &UnreadableError{s, []Unreadable{{d.recordPath(s), err}}}
		} else if rec != nil && d.alive(rec) {
			pending[s] = &BusyError{s, rec}
		}
		_, was := old.Services[s]
		if c := covers[s]; was && len(c.Locks) > 0 {
			pending[s] = &HeldError{Service: s, Verb: "reload", Locks: c.Locks}
		}
	}
}

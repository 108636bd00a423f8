package lockfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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
	Attached  bool // see Lock. A lock that was there before stays as it is
	NotReady  []string
	Unproven  []string
	Wait      time.Duration        // zero is LockWait
	Config    func() (Plan, error) // the config on disk, as a plan; nil or an error: only plan.toml resolves
	Progress  func(InFlight)       // called when the wait begins, and about once a second while it lasts
}

// InFlight is what a lock waits for.
type InFlight struct {
	Service string
	Record  *Record // nil: the gate is taken and nobody has said what for
}

// LockResult is what was taken.
type LockResult struct {
	Locks       []Lock
	Again       []string // ids of those that this owner had before: nothing new was written
	Interrupted []Record // actions that a dead supd left half done, found on the way
	ResolveErr  error    // why plan.toml or the config on disk could not be used to find members, if so
}

// Had says whether a lock of the result was there before.
func (r LockResult) Had(l Lock) bool { return slices.Contains(r.Again, l.ID) }

// HadText tells the owner so; "" if all are new.
func (r LockResult) HadText() string {
	var on []string
	for _, l := range r.Locks {
		if r.Had(l) {
			on = append(on, l.Target.String())
		}
	}
	if len(on) == 0 {
		return ""
	}
	return fmt.Sprintf("you held the lock on %s already; it was updated", strings.Join(on, ", "))
}

// taking is one run of Lock, or the second half of Break and Accept.
type taking struct {
	d      *Dir
	req    LockRequest
	until  time.Time
	res    LockResult
	mine   []*found // in request order
	fresh  []bool   // written by this run: to be undone if a later one fails
	as     []stamp  // of those, the file as this run wrote it
	epochs map[string]string
	waited map[string]bool

	handedOver bool // the owner before said who comes next: what he said of the lock stays
}

// Lock takes locks. When it returns nil the locks are durable and nothing acts under them. The
// same owner's lock on the same target is taken up again instead of making a second. Errors
// after which the locks stand: *InFlightError (the same call waits again), *StandsError (around an
// *UnreadableError if an in-flight record cannot be read). *BrokenError: broken or ended meanwhile.
// Anything else: not locked.
func (d *Dir) Lock(ctx context.Context, r LockRequest) (LockResult, error) {
	if len(r.IDs) != len(r.Targets) || len(r.IDs) == 0 {
		return LockResult{}, fmt.Errorf("cannot lock: %d ids for %d targets", len(r.IDs), len(r.Targets))
	}
	for i := range r.IDs {
		if err := cmp.Or(ValidID(r.IDs[i]), r.Targets[i].Valid()); err != nil {
			return LockResult{}, fmt.Errorf("cannot lock: %w", err)
		}
	}
	if err := d.marked(); err != nil {
		return LockResult{}, err
	}
	t := &taking{d: d, req: r, until: deadline(r.Wait, LockWait), epochs: map[string]string{}, waited: map[string]bool{}}
	defer d.keepSpares()
	for i := range r.IDs { // all files before any wait
		if err := t.write(ctx, i); err != nil {
			return LockResult{}, t.undo(err)
		}
	}
	return t.wait(ctx)
}

// config reads the config on disk, freshly: it may change while the lock waits.
func (t *taking) config() *Plan {
	if t.req.Config == nil {
		return nil
	}
	p, err := t.req.Config()
	if err != nil {
		t.res.ResolveErr = err
		return nil
	}
	return &p
}

// write makes the file of one target, and its copies, durable.
func (t *taking) write(ctx context.Context, i int) error {
	d, id, target := t.d, t.req.IDs[i], t.req.Targets[i]
	if err := d.notEnded(id); err != nil {
		return err
	}
	plan, err := d.Plan()
	if err != nil {
		t.res.ResolveErr = fmt.Errorf("cannot read the plan in force: %w", err)
	}
	is := resolve(target, nil, plan, t.config())
	if !is.Known {
		is = resolve(target, recordedBy(d.LocksOn(target)), plan, t.config())
	}
	members := is.Members
	for s := range members { // remembered, to see at undo whether somebody released in between
		e, _ := d.epoch(s)
		t.epochs[s] = e.Token
	}
	if err := d.idFree(id, target); err != nil {
		return err
	}
	over := d.ownTurn(ctx, t.req.Owner, target)
	defer func() { over() }()
	if have := t.ownLock(target); have != nil {
		t.res.Again = append(t.res.Again, have.ID)
		t.add(*have, false)
		return t.hang(t.mine[len(t.mine)-1], members)
	}
	l := t.newLock(id, target, members)
	content, err := l.encode()
	if err != nil {
		return err
	}
	if len(content) > fileBytesMax {
		return fmt.Errorf("cannot write lock %s: %s has too many members for one lock file; lock --all instead", id, target)
	}
	t.add(l, true)
	placed, err := d.putNew(d.lockDir(target), id, content)
	if placed { // before anybody who waits for this turn takes the lock up
		t.as[len(t.as)-1] = d.stampOf(d.lockFile(target, id))
	}
	over()
	over = func() {}
	if !placed {
		t.fresh[len(t.fresh)-1] = false // nothing to take back
	}
	if errors.Is(err, os.ErrExist) { // the same request, executed by the daemon meanwhile; or another lock that has this id
		if l, err = d.readLock(d.lockFile(target, id), id, target); err == nil && !l.Owner.Same(t.req.Owner) {
			err = &NotOwnerError{l}
		}
		t.mine[len(t.mine)-1].lock, t.fresh[len(t.fresh)-1] = l, false
	}
	if err != nil {
		return fmt.Errorf("cannot write lock %s: %w", id, err)
	}
	// A request that a hung daemon works off late must not raise a lock that was ended meanwhile.
	if err := d.notEnded(id); err != nil {
		if left := d.disk.unlink(d.lockFile(target, id)); left != nil {
			return fmt.Errorf("%w; and %s is left: %w", err, d.lockFile(target, id), left)
		}
		return err
	}
	return t.hang(t.mine[len(t.mine)-1], members)
}

// recordedBy is what locks on a target covered when they were taken. Where no plan knows the target any more, a lock beside
// them covers no less.
func recordedBy(locks []Lock) map[string]Identity {
	var all map[string]Identity
	for _, l := range locks {
		for name, id := range l.Members {
			if have := all[name]; have == (Identity{}) {
				if all == nil {
					all = map[string]Identity{}
				}
				all[name] = id
			}
		}
	}
	return all
}

// newLock is the lock as it is written. Its times are for people; nothing is decided by them.
func (t *taking) newLock(id string, target Target, members map[string]Identity) Lock {
	host, _ := os.Hostname()
	l := Lock{Format: FormatVersion, ID: id, Target: target, Reason: t.req.Reason, Ticket: t.req.Ticket, TakenAt: time.Now().Round(time.Millisecond),
		Until: t.req.Until, MeantDown: t.req.MeantDown, Attached: t.req.Attached, NotReady: t.req.NotReady, Unproven: t.req.Unproven, Host: host, BootID: t.d.boot, Owner: t.req.Owner}
	if target.Kind != TargetHost { // everything is covered, whatever it was called when the lock was taken
		l.Members = members
	}
	return l
}

// add takes a lock into this run, before its file is written: undo must know of it whatever happens.
func (t *taking) add(l Lock, fresh bool) {
	t.mine = append(t.mine, &found{id: l.ID, lock: l, home: l.Target})
	t.fresh = append(t.fresh, fresh)
	t.as = append(t.as, stamp{})
	t.res.Locks = append(t.res.Locks, l)
}

// ownLock is this owner's lock on this very target, if there is one.
func (t *taking) ownLock(target Target) *Lock {
	for _, l := range t.d.LocksOn(target) {
		if l.Owner.Same(t.req.Owner) {
			return &l
		}
	}
	return nil
}

// hang puts copies into the members' directories and makes all of it durable, also what others
// wrote there.
func (t *taking) hang(f *found, members map[string]Identity) error {
	d := t.d
	dirs := []string{d.lockDir(f.home)}
	if f.home.Kind != TargetHost {
		for _, s := range slices.Sorted(maps.Keys(members)) {
			if ServiceTarget(s) == f.home {
				continue
			}
			if err := d.copyTo(f.path(d), f.id, s); err != nil {
				return fmt.Errorf("cannot hang lock %s on member %q: %w", f.id, s, err)
			}
			f.copies = append(f.copies, s)
			dirs = append(dirs, d.lockDir(ServiceTarget(s)))
		}
	}
	if len(dirs) == 1 && !t.seenBefore(f) {
		return nil // putNew has done all there is
	}
	return d.syncUp(dirs...)
}

func (t *taking) seenBefore(f *found) bool { i := slices.Index(t.mine, f); return !t.fresh[i] }

// wait passes every gate. What keeps it from that does not take the locks away.
func (t *taking) wait(ctx context.Context) (LockResult, error) {
	res, err := t.passAll(ctx)
	var (
		inFlight *InFlightError
		broken   *BrokenError
	)
	if err != nil && !errors.As(err, &inFlight) && !errors.As(err, &broken) {
		err = &StandsError{res.Locks, err}
	}
	return res, err
}

// passAll passes every gate once, shared, and comes back for those that the target gained meanwhile.
func (t *taking) passAll(ctx context.Context) (LockResult, error) {
	for {
		todo, err := t.gatesLeft()
		if err != nil {
			return t.res, err
		}
		if len(todo) == 0 {
			return t.res, nil
		}
		for _, s := range todo {
			if err := t.passGate(ctx, s); err != nil {
				return t.res, err
			}
			t.waited[s] = true
		}
	}
}

// gatesLeft resolves anew, hangs the locks on members that are new, and says which gates have
// not been waited for yet.
func (t *taking) gatesLeft() ([]string, error) {
	config := t.config()
	plan, err := t.d.Plan()
	if err != nil {
		t.res.ResolveErr = err
	}
	left := map[string]bool{}
	for _, f := range t.mine {
		grown := map[string]Identity{}
		for s, id := range resolve(f.home, f.lock.Members, plan, config).Members {
			if ServiceTarget(s) != f.home && !slices.Contains(f.copies, s) {
				grown[s] = id
			}
		}
		if len(grown) > 0 && f.home.Kind != TargetHost {
			if err := t.hang(f, grown); err != nil {
				return nil, err
			}
		}
		names, err := t.d.gatesOf(f.home, f.lock.Members, f.copies, config)
		if err != nil {
			return nil, err
		}
		for _, s := range names {
			if !t.waited[s] {
				left[s] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(left)), nil
}

// passGate waits until no action on the service is in flight. Once it returns, every later
// action finds the locks.
func (t *taking) passGate(ctx context.Context, service string) error {
	d := t.d
	tell := func() {
		if t.req.Progress != nil {
			t.req.Progress(InFlight{service, d.recordForDisplay(service)})
		}
	}
	for {
		g, err := d.take(ctx, service, unix.LOCK_SH, gateWait{t.until, tell})
		if err == errGateTaken || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return &InFlightError{InFlight{service, d.recordForDisplay(service)}, t.res.Locks}
		}
		if err != nil {
			return fmt.Errorf("cannot wait at the gate of %q: %w", service, err)
		}
		again, err := t.underGate(ctx, g, service, tell)
		if err != nil || !again {
			return err
		}
	}
}

// underGate is what is looked at with the gate in hand, shared; it lets go of it. again:
// something in flight was waited for.
func (t *taking) underGate(ctx context.Context, g *gate, service string, tell func()) (again bool, err error) {
	d := t.d
	if err := t.stillMine(); err != nil {
		g.release()
		return false, err
	}
	t.takeUp()
	rec, err := d.settleRecord(service, &t.res.Interrupted)
	g.release()
	if err != nil || rec == nil {
		return false, err
	}
	// before the wait: others want to look, too
	if !waitGone(ctx, rec, t.until, tell) {
		return false, &InFlightError{InFlight{service, rec}, t.res.Locks}
	}
	return true, nil
}

// stillMine says whether the locks stand: somebody may have broken them while we waited.
func (t *taking) stillMine() error {
	for _, f := range t.mine {
		l, err := t.d.readLock(f.path(t.d), f.id, f.home)
		switch {
		case err == errGone:
			return &BrokenError{ID: f.id, By: t.d.successor(f.id)}
		case err != nil:
			return fmt.Errorf("cannot read my own lock %s back: %w", f.id, err)
		case !l.Owner.Same(f.lock.Owner):
			return &BrokenError{ID: f.id, By: &l}
		}
	}
	return nil
}

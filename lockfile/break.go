package lockfile

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// BreakRequest replaces somebody else's lock (or a damaged file) by one's own. Who may is the
// caller's business.
type BreakRequest struct {
	ID       string
	NewID    string
	Owner    Owner
	Reason   string
	Until    time.Time
	Wait     time.Duration // zero is LockWait
	Config   func() (Plan, error)
	Progress func(InFlight)

	keep, wrong string // where a file that cannot be read is kept, and what was wrong with it; Mend says
}

// BreakResult names the old lock (zero but for ID and Target if its file was damaged) and the
// new one.
type BreakResult struct {
	Old, New    Lock
	Interrupted []Record
}

// Break hands a lock over: the new one is durable before the old one goes, all under the gates,
// which stay shut throughout. Killed in between, both stand, and the same call finishes it.
// Errors as End's and Lock's; once New has an id, the breaker holds the target.
func (d *Dir) Break(ctx context.Context, r BreakRequest) (BreakResult, error) {
	if err := ValidID(r.NewID); err != nil || r.NewID == r.ID {
		return BreakResult{}, fmt.Errorf("cannot break lock %s: it needs a new id of its own", r.ID)
	}
	var res BreakResult
	t := &taking{d: d, until: deadline(r.Wait, LockWait), epochs: map[string]string{}, waited: map[string]bool{}, req: LockRequest{
		Owner: r.Owner, Reason: r.Reason, Until: r.Until, Config: r.Config, Progress: r.Progress}}
	defer d.keepSpares()
	stamps := d.stamp([]string{r.ID}, &Ended{At: time.Now().Round(time.Millisecond), By: r.Owner, How: "break", Note: r.Reason})
	defer stamps.discard(d)
	err := d.underGates(ctx, []string{r.ID}, t.until, &res.Interrupted, func(fs []*found, names []string) error {
		old := fs[0]
		if err := t.succeed(old, r.NewID); err != nil {
			return err
		}
		if err := d.newEpoch(names, ""); err != nil {
			return err
		}
		res.Old, res.New = old.lock, t.res.Locks[0]
		if old.bad != nil {
			return d.buryDamaged(old, &r)
		}
		return d.bury(old, stamps)
	})
	if err != nil {
		return res, err
	}
	taken, err := t.wait(ctx)
	res.Interrupted = append(res.Interrupted, taken.Interrupted...)
	return res, err
}

// succeed writes the breaker's or heir's own lock on the same target, for at least the same services, durable.
func (t *taking) succeed(old *found, id string) error {
	d := t.d
	if err := d.notEnded(id); err != nil {
		return err
	}
	plan, err := d.Plan()
	if err != nil {
		t.res.ResolveErr = err
	}
	members := resolve(old.home, old.lock.Members, plan, t.config()).Members
	for _, s := range old.copies {
		if _, ok := members[s]; !ok {
			members[s], _ = plan.identity(s)
		}
	}
	if have := t.replacing(old); have != nil { // an earlier break of this lock was cut short here
		t.add(*have, false)
		return t.hang(t.mine[len(t.mine)-1], members)
	}
	if err := d.idFree(id, old.home); err != nil {
		return err
	}
	l := t.newLock(id, old.home, members)
	l.Replaces, l.MeantDown = old.id, old.lock.MeantDown
	l.NotReady, l.Unproven = old.lock.NotReady, old.lock.Unproven // whoever has it now: what was not brought down is not down
	if t.handedOver {
		l.Reason, l.Ticket, l.Until = old.lock.Reason, old.lock.Ticket, old.lock.Until
	}
	content, err := l.encode()
	if err != nil {
		return err
	}
	t.add(l, true)
	// An earlier break of this lock was found above, so what has this id already is another lock.
	if _, err := d.putNew(d.lockDir(old.home), id, content); err != nil {
		return fmt.Errorf("cannot write lock %s: %w", id, err)
	}
	return t.hang(t.mine[len(t.mine)-1], members)
}

// buryDamaged is bury for a file that cannot be read: it is kept in aside/, and the tombstone says what is known. The new lock is
// durable and the gates are held.
func (d *Dir) buryDamaged(f *found, r *BreakRequest) error {
	if r.keep == "" {
		r.keep, r.wrong = d.asideName(f.path(d)), fmt.Sprint(f.bad)
	}
	why := Aside{By: r.Owner, From: f.path(d), Wrong: r.wrong, Reason: r.Reason, Lock: r.NewID}
	if err := d.setAside(f.path(d), r.keep, why); err != nil {
		return err
	}
	now := time.Now().Round(time.Millisecond)
	l := Lock{ID: f.id, Target: f.home, Reason: "(it could not be read: " + r.wrong + ")", TakenAt: now,
		Ended: &Ended{At: now, By: r.Owner, How: "break", Note: r.Reason}}
	content, err := l.encode()
	if err != nil {
		return err
	}
	tmp, err := d.temp(content, true)
	if err == nil {
		err = d.disk.renameOver(tmp, d.endedPath(f.id))
	}
	if err != nil {
		return fmt.Errorf("cannot end lock %s: %w", f.id, err)
	}
	if err := d.disk.syncDir(d.path + "/ended"); err != nil {
		return err
	}
	for _, s := range f.copies {
		d.disk.unlink(d.lockFile(ServiceTarget(s), f.id))
	}
	return nil
}

// replacing is this owner's lock that already replaces old.
func (t *taking) replacing(old *found) *Lock {
	var c Cover
	t.d.readLocks(old.home, &c)
	i := slices.IndexFunc(c.Locks, func(l Lock) bool { return l.Replaces == old.id && l.Owner.Same(t.req.Owner) })
	if i < 0 {
		return nil
	}
	return &c.Locks[i]
}

// Rewrite changes words of one's own lock (until, reason, ticket, meant_down, not_ready, unproven) under
// its gates; id, target, owner, members and times stay whatever change does to them. Durable on
// return.
func (d *Dir) Rewrite(ctx context.Context, id string, owner Owner, change func(*Lock)) (Lock, error) {
	return d.rewriteOwn(ctx, id, owner, func(l *Lock) {
		said := *l
		change(&said)
		l.Until, l.Reason, l.Ticket, l.MeantDown, l.NotReady, l.Unproven = said.Until, said.Reason, said.Ticket, said.MeantDown, said.NotReady, said.Unproven
	})
}

// rewriteOwn is Rewrite for whatever of a lock may change.
func (d *Dir) rewriteOwn(ctx context.Context, id string, owner Owner, change func(*Lock)) (out Lock, err error) {
	var dead []Record
	defer d.keepSpares()
	err = d.underGates(ctx, []string{id}, deadline(0, GateWait), &dead, func(fs []*found, _ []string) error {
		f := fs[0]
		if f.bad != nil {
			return &UnreadableError{id, []Unreadable{{f.path(d), f.bad}}}
		}
		if !f.lock.Owner.Same(owner) {
			return &NotOwnerError{f.lock}
		}
		out = f.lock
		change(&out)
		return d.rewrite(f, out)
	})
	return out, err
}

// rewrite replaces a lock's file and its copies, durable. The gates are held.
func (d *Dir) rewrite(f *found, l Lock) error {
	content, err := l.encode()
	if err != nil {
		return err
	}
	if err := d.replace(f.path(d), content); err != nil {
		return fmt.Errorf("cannot rewrite lock %s: %w", f.id, err)
	}
	for _, s := range f.copies {
		if err := d.recopy(f.path(d), f.id, s); err != nil {
			return fmt.Errorf("cannot rewrite lock %s: %w", f.id, err)
		}
	}
	return d.syncUp(f.dirs(d)...)
}

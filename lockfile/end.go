package lockfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ErrDown is what EndRequest.Verdict returns (or wraps) for a service that is down: with
// LeaveStopped it is released into an operator stop.
var ErrDown = errors.New("it is down")

// EndRequest releases locks by id, all in one section.
type EndRequest struct {
	IDs   []string
	Owner Owner
	// AnySession lets the same login end what it took in another session: the caller has asked
	// for that very lock.
	AnySession bool
	// Attached ends only what is still attached to the process that took it: whoever took it up meanwhile relies on it.
	Attached bool
	// Verdict says whether the try-out of a service still holds (same process, alive), called
	// inside the gates for each service that loses its last lock. nil: it does, released.
	// ErrDown: the service is down. Anything else refuses. It must not come back to the Dir's
	// gates. A nil func: nothing can be verified (direct mode).
	Verdict func(service string) error
	// LeaveStopped makes an operator stop, durable before the release, for each such service
	// that is down; without a Verdict, for each.
	LeaveStopped bool
	Force        bool // release without a verdict
	Note         string
	Wait         time.Duration // zero is GateWait
}

// EndResult says what remains.
type EndResult struct {
	Ended       []Lock
	Freed       []string          // services that no lock covers any more
	Remain      map[string][]Lock // service -> the locks that others have on it
	Unreadable  []Unreadable      // because of these, services count as locked all the same
	Stopped     []Hold            // made by LeaveStopped
	Interrupted []Record
}

// End releases the caller's own locks. Errors: *InFlightError *NotOwnerError *TakenUpError *GoneError
// *VerifyError *UnreadableError; the locks stand in every case. A program on a terminal ignores
// SIGTSTP around it: while it is in the gates, others wait.
func (d *Dir) End(ctx context.Context, r EndRequest) (EndResult, error) {
	if len(r.IDs) == 0 {
		return EndResult{}, errors.New("cannot end: no lock named")
	}
	r.IDs = slices.Compact(slices.Sorted(slices.Values(r.IDs)))
	defer d.keepSpares()
	var res EndResult
	stamps := d.stamp(r.IDs, &Ended{At: time.Now().Round(time.Millisecond), By: r.Owner, How: "end", Note: r.Note, Force: r.Force})
	defer stamps.discard(d)
	err := d.underGates(ctx, r.IDs, deadline(r.Wait, GateWait), &res.Interrupted, func(fs []*found, names []string) error {
		for _, f := range fs {
			if f.bad != nil {
				return &UnreadableError{f.id, []Unreadable{{f.path(d), f.bad}}}
			}
			if !f.lock.Owner.Same(r.Owner) && !(r.AnySession && f.lock.Owner.SameLogin(r.Owner)) {
				return &NotOwnerError{f.lock}
			}
			if r.Attached && !f.lock.Attached {
				return &TakenUpError{f.lock}
			}
		}
		if err := d.judge(fs, names, &r, &res); err != nil {
			return err
		}
		if err := d.newEpoch(names, releaseMark); err != nil {
			return err
		}
		for _, f := range fs {
			if err := d.bury(f, stamps); err != nil {
				return err
			}
			res.Ended = append(res.Ended, f.lock)
		}
		return nil
	})
	return res, err
}

// underGates finds locks, takes all their gates exclusively, sees to what is in flight, finds
// them again inside, and calls do with them and the services whose gates are held.
func (d *Dir) underGates(ctx context.Context, ids []string, until time.Time, dead *[]Record, do func([]*found, []string) error) error {
	fs, names, err := d.findAll(ids)
	if err != nil {
		return err
	}
	for {
		gates, at, err := d.takeAll(ctx, names, unix.LOCK_EX, gateWait{until: until})
		if err == errGateTaken || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return &InFlightError{InFlight{at, d.recordForDisplay(at)}, locksOf(fs)}
		}
		if err != nil {
			return fmt.Errorf("cannot take the gate of %q: %w", at, err)
		}
		var now []string
		if fs, now, err = d.findAll(ids); err == nil && !slices.Equal(now, names) {
			releaseAll(gates) // the target grew or shrank while we waited: other gates
			names = now
			continue
		}
		if err == nil {
			err = d.quiet(names, fs, dead)
		}
		if err == nil {
			err = do(fs, names)
		}
		releaseAll(gates)
		return err
	}
}

// findAll finds the locks and the services before whose gates they stand, sorted. Outside of the
// gates it is a guess that has to be made again inside.
func (d *Dir) findAll(ids []string) ([]*found, []string, error) {
	var fs []*found
	var names []string
	for _, id := range ids {
		f, err := d.find(id)
		if err != nil {
			return nil, nil, err
		}
		gates, err := d.gatesOf(f.home, f.lock.Members, f.copies, nil)
		if err != nil {
			return nil, nil, err
		}
		fs, names = append(fs, f), append(names, gates...)
	}
	return fs, slices.Compact(slices.Sorted(slices.Values(names))), nil
}

func locksOf(fs []*found) []Lock {
	var ls []Lock
	for _, f := range fs {
		ls = append(ls, f.lock)
	}
	return ls
}

// quiet makes sure that nothing is in flight on services whose gates are held, and reports what
// was interrupted.
func (d *Dir) quiet(names []string, fs []*found, dead *[]Record) error {
	for _, s := range names {
		rec, err := d.settleRecord(s, dead)
		if err != nil {
			return err
		}
		if rec != nil {
			return &InFlightError{InFlight{s, rec}, locksOf(fs)}
		}
	}
	return nil
}

// settleRecord looks at the record of a service whose gate is held, shared or exclusive. It
// returns a living one; a dead one is reported, added to dead, and wiped out.
func (d *Dir) settleRecord(service string, dead *[]Record) (*Record, error) {
	f, err := d.openRecord(service)
	if err != nil {
		return nil, &UnreadableError{service, []Unreadable{{d.recordPath(service), err}}}
	}
	defer f.close()
	rec := f.rec
	if rec == nil || d.alive(rec) {
		return rec, nil
	}
	if rec.Phase != PhaseDone {
		*dead = append(*dead, *rec)
	}
	return nil, f.bury()
}

// judge decides, for each service, whether the locks may go: others hold it too (and their
// files are on disk: a power loss must not take away what this end leans on), or the verdict is
// good. It makes the operator stops of LeaveStopped. An unreadable file is no other lock.
func (d *Dir) judge(fs []*found, names []string, r *EndRequest, res *EndResult) error {
	covers := d.Snapshot(names)
	lean := map[string]bool{}
	var last, down []string
	res.Remain = map[string][]Lock{}
	for _, s := range names {
		for _, u := range covers[s].Unreadable {
			if !slices.ContainsFunc(res.Unreadable, func(o Unreadable) bool { return o.Path == u.Path }) {
				res.Unreadable = append(res.Unreadable, u)
			}
		}
		others := slices.DeleteFunc(slices.Clone(covers[s].Locks), func(l Lock) bool { return slices.Contains(r.IDs, l.ID) })
		if len(others) == 0 { // what cannot be read is nobody to lean on: it may be read again, and be no lock
			last = append(last, s)
			continue
		}
		res.Remain[s] = others
		for _, l := range others {
			lean[d.lockDir(l.Target)] = true
			if there, _ := d.disk.exists(d.lockFile(ServiceTarget(s), l.ID)); there {
				lean[d.lockDir(ServiceTarget(s))] = true
			}
		}
	}
	for _, s := range last {
		isDown, err := r.verdict(s)
		if err != nil {
			for _, u := range covers[s].Unreadable {
				err = fmt.Errorf("%w; %s", err, u)
			}
			return &VerifyError{s, err}
		}
		if isDown {
			down = append(down, s)
		}
	}
	if len(lean) > 0 {
		if err := d.syncUp(slices.Sorted(maps.Keys(lean))...); err != nil {
			return fmt.Errorf("cannot make sure that the others' locks are on disk: %w", err)
		}
	}
	for _, s := range down {
		h, err := d.AddHold(s, HoldSpec{Kind: HoldOperatorStop, By: r.Owner.String(), Reason: r.Note, TTY: r.Owner.TTY, LockID: r.IDs[0]})
		if err != nil {
			return err
		}
		res.Stopped = append(res.Stopped, h)
	}
	res.Freed = slices.DeleteFunc(last, func(s string) bool { return len(covers[s].Unreadable) > 0 })
	return nil
}

// verdict is what to do with a service that loses its last lock: refuse, release, or release
// into an operator stop.
func (r *EndRequest) verdict(service string) (down bool, err error) {
	if r.Verdict == nil {
		if r.LeaveStopped || r.Force {
			return r.LeaveStopped, nil
		}
		return false, errors.New("it cannot be verified here; say --leave-stopped or --force")
	}
	err = r.Verdict(service)
	switch {
	case errors.Is(err, ErrDown) && r.LeaveStopped:
		return true, nil
	case err == nil || r.Force:
		return false, nil
	}
	return false, err
}

// stamps are lock files with the word on their end in them, written and fsynced before the
// gates are taken, so that the gates are not shut for longer than they must. A word for people,
// not part of the promise: where it cannot be written, the lock ends without.
type stamps map[string]stamped

type stamped struct {
	before Lock // what the stamped file was made from
	tmp    string
}

// stamp prepares what it can. It writes into tmp/ only, so it needs no gate.
func (d *Dir) stamp(ids []string, how *Ended) stamps {
	out := stamps{}
	for _, id := range ids {
		f, err := d.find(id)
		if err != nil || f.bad != nil {
			continue
		}
		l := f.lock
		l.Ended = how
		content, err := l.encode()
		if err != nil {
			continue
		}
		tmp := d.tempName() // never a spare: those are for what must be written
		if err := d.disk.create(tmp, content, true); err != nil {
			d.disk.unlink(tmp)
			continue
		}
		out[id] = stamped{f.lock, tmp}
	}
	return out
}

// apply puts the stamped file in the lock's place, unless the lock was rewritten since. The
// gates are held.
func (s stamps) apply(d *Dir, f *found) {
	st, ok := s[f.id]
	if ok && reflect.DeepEqual(st.before, f.lock) && d.disk.renameOver(st.tmp, f.path(d)) == nil {
		delete(s, f.id)
	}
}

// discard removes the stamps that were not used.
func (s stamps) discard(d *Dir) {
	for _, st := range s {
		d.disk.unlink(st.tmp)
	}
}

// bury moves a lock to ended/, which is the moment it ends, and then takes its copies away. The
// gates are held and the new epoch is written.
func (d *Dir) bury(f *found, stamps stamps) error {
	stamps.apply(d, f)
	if err := d.disk.renameOver(f.path(d), d.endedPath(f.id)); err != nil {
		return fmt.Errorf("cannot end lock %s: %w", f.id, err)
	}
	if err := d.disk.syncDir(d.path + "/ended"); err != nil {
		return fmt.Errorf("cannot end lock %s for good, a power loss could bring it back: %w", f.id, err)
	}
	if err := d.disk.syncDir(d.lockDir(f.home)); err != nil {
		return fmt.Errorf("cannot end lock %s for good, a power loss could bring it back: %w", f.id, err)
	}
	for _, s := range f.copies { // void since the rename; what stays now is removed by Recover
		d.disk.unlink(d.lockFile(ServiceTarget(s), f.id))
	}
	return nil
}

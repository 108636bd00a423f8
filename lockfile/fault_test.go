package lockfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// faulty is something that is done to a state directory while its disk fails. Each of its disk operations is failed in turn, alone
// and with all that follow, full and broken.
type faulty struct {
	name    string
	prepare func(t *testing.T, d *Dir)
	do      func(d *Dir) error
	// after judges what the failed try left, with the disk in order again.
	after func(d *Dir, err error) error
	// done judges the state after the next try has succeeded.
	done func(d *Dir) error
}

func covered(d *Dir, services ...string) error {
	for _, s := range services {
		if c := d.Cover(s); len(c.Locks)+len(c.Holds) == 0 {
			return fmt.Errorf("%s is free", s)
		}
	}
	return nil
}

func intact(d *Dir) error {
	for _, s := range []string{"db", "web"} {
		if c := d.Cover(s); len(c.Unreadable) > 0 {
			return fmt.Errorf("damaged: %v", c.Unreadable)
		}
	}
	for _, f := range d.Examine() {
		if f.Trouble != TroubleStale { // a record that could not be wiped: the next action does that
			return fmt.Errorf("the doctor finds %+v", f)
		}
	}
	return nil
}

// toldOfLock compares what a failed `start` says with what it left: exit code 1 means not locked, any other that the lock stands.
func toldOfLock(d *Dir, err error, services ...string) error {
	var inFlight *InFlightError
	var unreadable *UnreadableError
	var stands *StandsError
	saysLocked := err == nil || errors.As(err, &inFlight) || errors.As(err, &unreadable) || errors.As(err, &stands)
	for _, s := range services {
		if is := len(d.Cover(s).Locks) > 0; is != saysLocked && (saysLocked || slices.ContainsFunc(services, func(o string) bool { return len(d.Cover(o).Locks) > 0 })) {
			return fmt.Errorf("%s is locked: %v; told: %w", s, is, err)
		}
	}
	return nil
}

func faults() []faulty {
	ctx := context.Background()
	id := func(d *Dir) []string { // of the one lock, if the disk lets it be found
		var ids []string
		for _, l := range d.Locks().Locks {
			ids = append(ids, l.ID)
		}
		return ids
	}
	lock := func(targets ...Target) func(d *Dir) error {
		return func(d *Dir) error {
			r := LockRequest{Targets: targets, Owner: ann(), Wait: time.Second}
			for range targets {
				r.IDs = append(r.IDs, NewID()) // as supctl does at each try
			}
			_, err := d.Lock(ctx, r)
			return err
		}
	}
	take := func(targets ...string) func(t *testing.T, d *Dir) {
		return func(t *testing.T, d *Dir) { lockOf(t, d, ann(), targets...) }
	}
	end := func(r EndRequest) func(d *Dir) error {
		return func(d *Dir) error {
			if r.IDs = id(d); len(r.IDs) == 0 {
				return unix.EIO
			}
			r.Owner = ann()
			_, err := d.End(ctx, r)
			return err
		}
	}
	free := func(d *Dir) error {
		if c := d.Cover("db"); len(c.Locks) > 0 {
			return fmt.Errorf("it stands: %+v", c)
		}
		return nil
	}
	// An end that failed leaves the lock, or says that it may come back.
	ended := func(d *Dir, err error) error {
		if err != nil && covered(d, "db") != nil && !strings.Contains(err.Error(), "for good") {
			return fmt.Errorf("free, and told only %w", err)
		}
		return nil
	}
	return []faulty{
		{"start", nil, lock(ServiceTarget("db")), func(d *Dir, err error) error { return toldOfLock(d, err, "db") }, func(d *Dir) error { return covered(d, "db") }},
		{"start of a group", nil, lock(GroupTarget("front")), func(d *Dir, err error) error { return toldOfLock(d, err, "db", "web") }, func(d *Dir) error { return covered(d, "db", "web") }},
		{"start of two, all or none", nil, lock(ServiceTarget("db"), ServiceTarget("web")), func(d *Dir, err error) error {
			var stands *StandsError
			if errors.As(err, &stands) { // it names those that stand
				for _, l := range stands.Locks {
					if cerr := covered(d, l.Target.Name); cerr != nil {
						return cerr
					}
				}
				return nil
			}
			return toldOfLock(d, err, "db", "web")
		}, func(d *Dir) error { return covered(d, "db", "web") }},
		{"start of everything", nil, lock(HostTarget()), func(d *Dir, err error) error { return toldOfLock(d, err, "db", "web") }, func(d *Dir) error { return covered(d, "db", "web") }},
		{"end", take("@front"), end(EndRequest{Force: true}), ended, free},
		{"end of everything", take("--all"), end(EndRequest{Force: true}), ended, free},
		{"end --leave-stopped", take("@front"), end(EndRequest{LeaveStopped: true}), func(d *Dir, err error) error { return covered(d, "db", "web") }, func(d *Dir) error {
			return errors.Join(free(d), covered(d, "db", "web"))
		}},
		{"break", take("@front"), func(d *Dir) error {
			for _, l := range d.Locks().Locks {
				if l.Owner.Same(ann()) {
					_, err := d.Break(ctx, BreakRequest{ID: l.ID, NewID: NewID(), Owner: bob(), Wait: time.Second})
					return err
				}
			}
			return &GoneError{}
		}, func(d *Dir, err error) error { return covered(d, "db", "web") }, func(d *Dir) error {
			ls := d.Locks().Locks
			if len(ls) != 1 || !ls[0].Owner.Same(bob()) {
				return fmt.Errorf("the locks are %+v", ls)
			}
			return covered(d, "db", "web")
		}},
		{"extend", take("@front"), func(d *Dir) error {
			ids := id(d)
			if len(ids) == 0 {
				return unix.EIO
			}
			_, err := d.Rewrite(ctx, ids[0], ann(), func(l *Lock) { l.Reason = "longer" })
			return err
		}, func(d *Dir, err error) error { return covered(d, "db", "web") }, func(d *Dir) error {
			for _, s := range []string{"db", "web"} {
				if c := d.Cover(s); len(c.Locks) != 1 || c.Locks[0].Reason != "longer" {
					return fmt.Errorf("%s: %+v", s, c)
				}
			}
			return nil
		}},
		{"stop", nil, func(d *Dir) error {
			r := Request{Services: []string{"db"}, Verb: VerbStop, Actor: ann(), Wait: time.Second, Hold: &HoldSpec{Kind: HoldOperatorStop}}
			err := d.Do(ctx, r, nothing)
			var stale *StaleError // the record of the try before is cleared up first
			if errors.As(err, &stale) {
				err = d.Do(ctx, r, nothing)
			}
			return err
		}, func(d *Dir, err error) error {
			if err == nil {
				return covered(d, "db")
			}
			return nil
		}, func(d *Dir) error {
			if c := d.Cover("db"); len(c.Holds) != 1 {
				return fmt.Errorf("%d stops", len(c.Holds))
			}
			return nil
		}},
		{"a hold for somebody's own stop", nil, func(d *Dir) error {
			_, err := d.AddHold("db", HoldSpec{Kind: HoldOperatorStop})
			return err
		}, func(d *Dir, err error) error {
			if err == nil {
				return covered(d, "db")
			}
			return nil
		}, func(d *Dir) error { return covered(d, "db") }},
	}
}

// At every step of everything that makes or removes locks and stops, a disk that is full or fails gives an error, loses nothing, frees
// nothing that was to be held, and the next try gets through.
func TestEveryDiskOperationFails(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			for _, how := range []struct {
				cause error
				all   bool
			}{{unix.ENOSPC, true}, {unix.EIO, false}, {unix.EIO, true}} {
				failEverywhere(t, how.cause, how.all, func() *Dir {
					d := groupDir(t)
					if f.prepare != nil {
						f.prepare(t, d)
					}
					return d
				}, f.do, func(d *Dir, err error) error {
					if err != nil && err.Error() == "" {
						return errors.New("an error without words")
					}
					if aerr := errors.Join(f.after(d, err), intact(d)); aerr != nil {
						return fmt.Errorf("left: %w", aerr)
					}
					var gone *GoneError
					// ended by the first try, which could not be sure of it: nothing is left to be named
					if nerr := f.do(d); nerr != nil && !errors.As(nerr, &gone) && f.done(d) != nil {
						return fmt.Errorf("the next try: %w", nerr)
					}
					return errors.Join(f.done(d), intact(d))
				})
			}
		})
	}
}

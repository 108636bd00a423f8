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

// Every operation is killed by SIGKILL before each of its disk operations in turn. Whatever it leaves behind must be safe, and the
// same command afterwards must get through.

// killEverywhere runs j in children, killed ever later, until one gets through; prepare makes a fresh state for each.
func killEverywhere(t *testing.T, prepare func() (*Dir, job), check func(d *Dir, j job, killed bool) error) {
	t.Helper()
	for n := 1; ; n++ {
		d, j := prepare()
		j.Path, j.KillAt = d.path, n
		c := start(t, j)
		word := c.hear()
		if word == "acting" {
			c.in.Close()
			word = c.hear()
		}
		c.finish()
		killed := word == ""
		if !killed && word != "done <nil>" {
			t.Fatalf("killed at %d: %s", n, word)
		}
		if err := check(d, j, killed); err != nil {
			t.Fatalf("killed at disk operation %d: %v", n, err)
		}
		if !killed {
			if n < 8 {
				t.Fatalf("only %d operations: this test does not reach the disk", n)
			}
			return
		}
	}
}

func groupDir(t *testing.T) *Dir {
	return newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
}

func TestKilledInLock(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		return groupDir(t), job{Mode: "lock", Target: "@front", IDs: []string{"l1"}, Owner: ann()}
	}, func(d *Dir, j job, killed bool) error {
		if bad := d.Locks().Unreadable; len(bad) > 0 {
			return fmt.Errorf("half a lock: %v", bad)
		}
		if _, err := d.Recover(context.Background()); err != nil {
			return err
		}
		res, err := d.Lock(context.Background(), LockRequest{IDs: []string{"l1"}, Targets: []Target{GroupTarget("front")}, Owner: ann(), Wait: 5 * time.Second})
		if err != nil || len(res.Locks) != 1 || len(d.Locks().Locks) != 1 {
			return fmt.Errorf("the same command again: %v, %v", err, d.Locks().Locks)
		}
		for _, s := range []string{"db", "web"} {
			if len(d.Cover(s).Locks) != 1 {
				return fmt.Errorf("%s is not covered", s)
			}
			if there, _ := d.disk.exists(d.lockFile(ServiceTarget(s), "l1")); !there {
				return fmt.Errorf("no copy for %s", s)
			}
		}
		return noTempsLeft(d)
	})
}

func noTempsLeft(d *Dir) error {
	if _, err := d.Recover(context.Background()); err != nil {
		return err
	}
	names, err := d.disk.list(d.path + "/tmp")
	for _, n := range names {
		if strings.HasPrefix(n, "t.") {
			err = errors.Join(err, fmt.Errorf("temporary file %s is left", n))
		}
	}
	return err
}

func TestKilledInEnd(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		d := groupDir(t)
		l := lockOf(t, d, ann(), "@front")[0]
		return d, job{Mode: "end", IDs: []string{l.ID}, Owner: ann(), Leave: true}
	}, func(d *Dir, j job, killed bool) error {
		for _, s := range []string{"db", "web"} {
			c := d.Cover(s)
			if len(c.Unreadable) > 0 {
				return fmt.Errorf("%v", c.Unreadable)
			}
			if len(c.Locks) == 0 && len(c.Holds) != 1 {
				return fmt.Errorf("F12: %s is released, and not stopped: %+v", s, c)
			}
		}
		if _, err := d.Recover(context.Background()); err != nil {
			return err
		}
		var gone *GoneError
		_, err := d.End(context.Background(), EndRequest{IDs: j.IDs, Owner: ann(), LeaveStopped: true})
		if err != nil && !errors.As(err, &gone) {
			return fmt.Errorf("the same command again: %w", err)
		}
		if ls := d.Locks(); len(ls.Locks)+len(ls.Unreadable) > 0 {
			return fmt.Errorf("it stands: %+v", ls)
		}
		for _, s := range []string{"db", "web"} {
			if c := d.Cover(s); len(c.Holds) != 1 {
				return fmt.Errorf("holds of %s: %+v", s, c.Holds)
			}
			if there, _ := d.disk.exists(d.lockFile(ServiceTarget(s), j.IDs[0])); there && killed {
				if _, err := d.Recover(context.Background()); err != nil {
					return err
				}
				if there, _ := d.disk.exists(d.lockFile(ServiceTarget(s), j.IDs[0])); there {
					return errors.New("recovery left a copy of an ended lock")
				}
			}
		}
		return noTempsLeft(d)
	})
}

func TestKilledInBreak(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		d := groupDir(t)
		l := lockOf(t, d, ann(), "@front")[0]
		return d, job{Mode: "break", IDs: []string{l.ID}, NewID: "new1", Owner: cat()}
	}, func(d *Dir, j job, killed bool) error {
		for _, s := range []string{"db", "web"} {
			if c := d.Cover(s); len(c.Locks) == 0 || len(c.Unreadable) > 0 {
				return fmt.Errorf("F15: %s is not covered in the middle of the hand-over: %+v", s, c)
			}
		}
		if _, err := d.Recover(context.Background()); err != nil {
			return err
		}
		var gone *GoneError
		_, err := d.Break(context.Background(), BreakRequest{ID: j.IDs[0], NewID: "new2", Owner: cat()})
		if err != nil && !errors.As(err, &gone) {
			return fmt.Errorf("the same command again: %w", err)
		}
		ls := d.Locks()
		if len(ls.Locks) != 1 || len(ls.Unreadable) > 0 || !ls.Locks[0].Owner.Same(cat()) {
			return fmt.Errorf("want cat's lock alone, got %+v", ls)
		}
		for _, s := range []string{"db", "web"} {
			if c := d.Cover(s); len(c.Locks) != 1 {
				return fmt.Errorf("%s: %+v", s, c)
			}
		}
		return noTempsLeft(d)
	})
}

func TestKilledInAction(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		return groupDir(t), job{Mode: "act", Service: "db", Verb: VerbStart}
	}, func(d *Dir, j job, killed bool) error {
		rec, err := d.readRecord("db")
		if err != nil {
			return fmt.Errorf("half a record: %w", err)
		}
		res, err := d.Lock(context.Background(), lockReq(ann(), 5*time.Second, "db"))
		if err != nil {
			return err
		}
		if (rec != nil) != (len(res.Interrupted) == 1) {
			return fmt.Errorf("F6: record %+v, told %+v", rec, res.Interrupted)
		}
		return nil
	})
}

// failEverywhere fails each disk operation of an operation in turn, and every one after it if all is set.
func failEverywhere(t *testing.T, cause error, all bool, prepare func() *Dir, run func(d *Dir) error, check func(d *Dir, err error) error) {
	t.Helper()
	for n := 1; ; n++ {
		d := prepare()
		count := 0
		d.disk.hook = func(op, path string) error {
			if isFull(cause) && !slices.Contains([]string{"create", "write", "mkdir", "rename", "link", "fsync"}, op) {
				return nil // a full disk can be read, and made emptier
			}
			if count++; count == n || all && count > n {
				return cause
			}
			return nil
		}
		err := run(d)
		d.disk.hook = nil
		if cerr := check(d, err); cerr != nil {
			t.Fatalf("%v at disk operation %d: %v", cause, n, cerr)
		}
		if count < n {
			return
		}
	}
}

func TestLockNeverLiesAboutAFailingDisk(t *testing.T) {
	for _, cause := range []error{unix.EIO, unix.EROFS, unix.EMFILE} {
		for _, all := range []bool{false, true} {
			failEverywhere(t, cause, all, func() *Dir { return groupDir(t) }, func(d *Dir) error {
				_, err := d.Lock(context.Background(), LockRequest{IDs: []string{"l1"}, Targets: []Target{GroupTarget("front")}, Owner: ann(), Wait: time.Second})
				return err
			}, func(d *Dir, err error) error {
				if err != nil {
					return nil // it stands or not; success was not claimed
				}
				for _, s := range []string{"db", "web"} {
					if len(d.Cover(s).Locks) != 1 {
						return fmt.Errorf("says locked, and %s is not", s)
					}
				}
				return nil
			})
		}
	}
}

func TestL3_NoReadErrorLetsAnActionPass(t *testing.T) {
	for _, cause := range []error{unix.EIO, unix.EACCES, unix.EMFILE, unix.ENOMEM, unix.ESTALE} {
		for _, target := range []string{"db", "@front", "--all"} {
			failEverywhere(t, cause, false, func() *Dir {
				d := groupDir(t)
				lockOf(t, d, ann(), target)
				return d
			}, func(d *Dir) error {
				p, _ := d.Plan() // a decision that claims to be good, as a lying core would
				r := Request{Services: []string{"db"}, Verb: VerbStart, Automatic: true, Wait: time.Second,
					Decisions: map[string]Decision{"db": {PlanGen: p.Generation, Clean: true}}}
				return d.Do(context.Background(), r, func(*Permit) error { return errActed })
			}, func(d *Dir, err error) error {
				if errors.Is(err, errActed) || err == nil {
					return fmt.Errorf("acted under a lock on %s", target)
				}
				return nil
			})
		}
	}
}

var errActed = errors.New("acted")

func TestEndKeepsTheLockWhenTheDiskFails(t *testing.T) {
	for _, cause := range []error{unix.EIO, unix.EROFS} {
		failEverywhere(t, cause, true, func() *Dir {
			d := groupDir(t)
			lockOf(t, d, ann(), "@front")
			return d
		}, func(d *Dir) error {
			ids := d.Locks().Locks
			if len(ids) != 1 { // the listing itself was failed
				return errors.New("cannot list")
			}
			_, err := d.End(context.Background(), EndRequest{IDs: []string{ids[0].ID}, Owner: ann(), LeaveStopped: true})
			return err
		}, func(d *Dir, err error) error {
			for _, s := range []string{"db", "web"} {
				if c := d.Cover(s); len(c.Locks) == 0 && len(c.Holds) == 0 {
					return fmt.Errorf("%s is free of lock and stop; end said %v", s, err)
				}
			}
			return nil
		})
	}
}

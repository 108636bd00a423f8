package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supd/supd/lockfile"
)

// passers is how many goroutines pass the gate of one service.
const passers = 8

// gates measures full gate passes (observe, gate, record, locks, holds, epoch) by many goroutines on one service, while a
// lock on it comes and goes. An action inside a lock is an error, not a figure.
func gates(s *settings) ([]row, error) {
	path := filepath.Join(s.dir, "gates")
	if err := lockfile.Init(path, true); err != nil {
		return nil, err
	}
	dir, err := lockfile.Open(path, lockfile.Options{})
	if err != nil {
		return nil, err
	}
	names := []string{"db"}
	for i := range 1000 { // the others' directories must cost nothing
		names = append(names, fmt.Sprintf("other%d", i))
	}
	if err := dir.EnsureService(names...); err != nil {
		return nil, err
	}
	var (
		passed, refused, locks atomic.Int64
		locked                 atomic.Bool // a returned lock stands
		inside                 atomic.Int64
		all                    sync.WaitGroup
		failed                 = make(chan error, passers+1)
	)
	ctx, cancel := context.WithTimeout(context.Background(), s.gate)
	defer cancel()
	for range passers {
		all.Go(func() {
			for ctx.Err() == nil {
				o := dir.Observe("db")
				err := dir.Do(context.Background(), lockfile.Request{
					Services: []string{"db"}, Verb: lockfile.VerbSignal, Automatic: true,
					Decisions: map[string]lockfile.Decision{"db": {PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}},
				}, func(*lockfile.Permit) error {
					if locked.Load() {
						inside.Add(1)
					}
					return nil
				})
				var held *lockfile.HeldError
				var stale *lockfile.StaleError
				switch {
				case err == nil:
					passed.Add(1)
				case errors.As(err, &held), errors.As(err, &stale):
					refused.Add(1)
				default:
					failed <- err
					return
				}
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			if err := lockAndEnd(dir, &locked); err != nil {
				failed <- err
				return
			}
			locks.Add(1)
			time.Sleep(20 * time.Millisecond) // between two locks: actions pass
		}
	})
	all.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	if n := inside.Load(); n > 0 {
		return nil, fmt.Errorf("%d actions ran inside a lock", n)
	}
	rate := float64(passed.Load()) / s.gate.Seconds()
	return []row{{
		fmt.Sprintf("gate passes on one service, %d goroutines", passers),
		fmt.Sprintf("%.0f/s, 0 inside a lock (%d locks, %d refused)", rate, locks.Load(), refused.Load()),
		"", "", "≥ 8,000/s, none inside a lock",
	}}, nil
}

// lockAndEnd holds a lock for a moment.
func lockAndEnd(dir *lockfile.Dir, locked *atomic.Bool) error {
	owner := lockfile.Owner{Name: "bench", LoginUID: lockfile.NoLogin}
	id := lockfile.NewID()
	if _, err := dir.Lock(context.Background(), lockfile.LockRequest{IDs: []string{id}, Targets: []lockfile.Target{lockfile.ServiceTarget("db")}, Owner: owner}); err != nil {
		return err
	}
	locked.Store(true)
	time.Sleep(time.Millisecond) // held
	locked.Store(false)
	_, err := dir.End(context.Background(), lockfile.EndRequest{IDs: []string{id}, Owner: owner, Force: true})
	return err
}

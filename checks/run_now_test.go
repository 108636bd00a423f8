package checks

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRunNow(t *testing.T) {
	play(t, 0, func(w *world) {
		w.Pause("db")
		w.set(t, fakeJob("db/a", time.Hour, scripted("xxx"), func(o *Options) { o.FailAfter.Count = 2 }))
		for range 3 {
			r, err := w.RunNow(w.ctx, Key{"db", "a"})
			if err != nil || r.Result.State != Failing || !r.Asked || r.Change != NoChange {
				t.Errorf("asked: %+v, %v", r, err)
			}
		}
		var none *NoCheckError
		if _, err := w.RunNow(w.ctx, Key{"db", "b"}); !errors.As(err, &none) {
			t.Errorf("a check that does not exist: %v", err)
		}
	})
}

// TestRunNowIsAboutALookAfterTheCall: what runs already may have looked at the instance before.
func TestRunNowIsAboutALookAfterTheCall(t *testing.T) {
	play(t, 0, func(w *world) {
		looks, began := 0, make(chan struct{}, 9)
		w.set(t, fakeJob("db/a", time.Hour, &fake{run: func(context.Context) Result {
			looks++
			n := looks
			began <- struct{}{}
			<-time.After(time.Second)
			return Pass("look %d", n)
		}}))
		<-began
		r, err := w.RunNow(w.ctx, Key{"db", "a"})
		if err != nil || r.Result.Detail != "look 2" {
			t.Errorf("%q, %v; want the second look", r.Result.Detail, err)
		}
	})
}

func TestRunNowEnds(t *testing.T) {
	play(t, 0, func(w *world) {
		release := make(chan struct{})
		defer close(release)
		w.set(t, fakeJob("db/a", time.Hour, passing(5*time.Second)), fakeJob("b", time.Hour, neverBack(release)))
		removed := make(chan error)
		go func() { _, err := w.RunNow(w.ctx, Key{"db", "a"}); removed <- err }()
		w.at(time.Second)
		w.set(t, fakeJob("b", time.Hour, neverBack(release)))
		var none *NoCheckError
		if err := <-removed; !errors.As(err, &none) {
			t.Errorf("asked about a check that was removed: %v", err)
		}
		ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		if _, err := w.RunNow(ctx, Key{Name: "b"}); !strings.Contains(errText(err), `cannot wait for check "b"`) {
			t.Errorf("asked about a check that does not answer: %v", err)
		}
		// Once it counts as hanging nobody has to wait for it any more, neither who asked before nor who asks now.
		for range 2 {
			r, err := w.RunNow(w.ctx, Key{Name: "b"})
			if err != nil || r.Result.State != Failing || !strings.Contains(r.Result.Detail, "cannot be broken off") {
				t.Errorf("asked about a check that hangs: %s %q, %v", r.Result.State, r.Result.Detail, err)
			}
		}
	})
}

// TestNeedsInACircle: each of two that need each other is looked at, or neither would ever be again.
func TestNeedsInACircle(t *testing.T) {
	play(t, 0, func(w *world) {
		need := func(name string) func(*Options) { return func(o *Options) { o.Needs = []string{name} } }
		w.set(t,
			fakeJob("a", 10*time.Second, scripted("xx."), need("b")),
			fakeJob("b", 10*time.Second, scripted("xx."), need("a")),
			fakeJob("self", 10*time.Second, scripted("xx."), need("self")))
		w.at(29 * time.Second)
		for key, st := range w.Statuses() {
			if st.State() != OK {
				t.Errorf("%s is %s: %s", key, st.State(), st.Last.Result.Detail)
			}
		}
	})
}

// TestManyCallersAtOnce is for the race detector, and for deadlocks: real time, all methods from all sides.
func TestManyCallersAtOnce(t *testing.T) {
	noneLeftBehind(t)
	s := NewScheduler(Setup{Parallel: 2})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { s.Run(ctx) })
	jobs := []Job{fakeJob("db/a", everyMin, passing(0)), fakeJob("db/b", everyMin, passing(time.Millisecond)), fakeJob("c", everyMin, passing(0))}
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for n := range 200 {
				switch (n + i) % 7 {
				case 0:
					s.Set(jobs[:1+n%3])
				case 1:
					s.Pause("db")
				case 2:
					s.Resume("db", uint64(n))
				case 3:
					s.Freeze("db")
				case 4:
					s.Unfreeze("db")
				case 5:
					s.Statuses()
				case 6:
					s.RunNow(ctx, jobs[n%3].Key)
				}
			}
		})
	}
	callers.Wait()
	stop()
	all.Wait()
	if _, err := s.RunNow(t.Context(), jobs[0].Key); err == nil {
		t.Error("an ended scheduler ran a check")
	}
}

package supervisor

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLanesBoundWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lanes{max: 3}
		var busy, most atomic.Int64
		var order []int
		var mu sync.Mutex
		for i := range 50 {
			l.run(func(*lane) {
				n := busy.Add(1)
				mu.Lock()
				order = append(order, i)
				most.Store(max(most.Load(), n))
				mu.Unlock()
				time.Sleep(laneMax / 2)
				busy.Add(-1)
			})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(order) != 50 || most.Load() != 3 || l.busy != 0 {
			t.Errorf("%d of 50 ran, %d at most at once, %d still at it", len(order), most.Load(), l.busy)
		}
		if first := order[:3]; slices.Max(first) > 2 {
			t.Errorf("the first to run were %v", first)
		}
	})
}

// What hangs, said or not, keeps no lane: the next runs at once, or after laneMax.
func TestLanesAreNotKeptByThoseWhoWait(t *testing.T) {
	for _, says := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := &lanes{max: 2}
			end := make(chan struct{})
			began := time.Now()
			var after []time.Duration
			for range 2 {
				l.run(func(ln *lane) {
					if says {
						ln.leave()
						ln.leave()
					}
					<-end
				})
			}
			l.run(func(*lane) { after = append(after, time.Since(began)) })
			time.Sleep(time.Second)
			synctest.Wait()
			want := laneMax
			if says {
				want = 0
			}
			if len(after) != 1 || after[0] != want {
				t.Errorf("says=%v: the next ran after %v, want %v", says, after, want)
			}
			close(end)
			synctest.Wait()
			if l.busy != 0 {
				t.Errorf("says=%v: %d lanes are taken by nobody", says, l.busy)
			}
			ran := false
			l.run(func(*lane) { ran = true })
			synctest.Wait()
			if !ran {
				t.Errorf("says=%v: nothing runs any more", says)
			}
		})
	}
}

func TestTidyingComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lanes{max: 1}
		var mu sync.Mutex
		var done []string
		does := func(what string) func() {
			return func() { mu.Lock(); defer mu.Unlock(); done = append(done, what) }
		}
		wants := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(done, want) {
				t.Errorf("%s: done is %q, want %q", when, done, want)
			}
			done = nil
		}
		l.run(func(*lane) { time.Sleep(time.Millisecond); does("first")() })
		l.tidy(does("tidied"))
		l.run(func(*lane) { does("second")() })
		time.Sleep(time.Second)
		wants("in the end", "first", "second", "tidied")

		l.tidy(does("again"))
		wants("while the processors may still be wanted")
		time.Sleep(tidyAfter)
		wants("later", "again")

		l.tidy(does("at once"))
		l.tidyNow()
		wants("when nothing more is to come", "at once")
		time.Sleep(time.Second) // the timer finds nothing to do
		isIdle(t, l)
	})
}

// isIdle wants no lane busy, and nothing left to tidy.
func isIdle(t *testing.T, l *lanes) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy != 0 || l.tidying || len(l.later) > 0 {
		t.Errorf("%d lanes busy, tidying=%v, %d to tidy", l.busy, l.tidying, len(l.later))
	}
}

// The timer of a job that ended at that very moment gave its lane back a second time: the count of the busy went below
// zero, what can wait was never done, and an orderly end waited for it.
func TestALaneIsLeftOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2)
		var first *lane
		l.run(func(ln *lane) { first = ln })
		synctest.Wait()
		first.leave() // as its timer does
		l.tidy(func() {})
		time.Sleep(time.Minute)
		isIdle(t, l)
	})
}

// In a crowd on a busy host one job after the other begins, and the lanes beside that wait for the host, each no longer than its patience:
// one that others keep busy for ever does not keep supd. A few jobs wait for nobody.
func TestACrowdLetsTheHostWork(t *testing.T) {
	const jobs, lanesThere, took, busy = 400, 3, time.Millisecond, 100 * time.Millisecond
	for _, c := range []struct {
		what            string
		jobs            int
		busyFor         time.Duration // from the beginning
		atLeast, atMost int           // jobs that begin until busy
	}{
		{"a few jobs on a busy host", crowdFrom, time.Hour, crowdFrom, crowdFrom},
		{"a crowd on a host with nothing else to do", jobs, 0, lanesThere * 99, lanesThere * 101},
		{"a crowd on a host that is busy for a while", jobs, busy, 100, 100 + lanesThere*int(busy/crowdPatience+1)},
		{"a crowd on a host that stays busy", jobs, time.Hour, 100, 100 + lanesThere*int(busy/crowdPatience+1)},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var all, early atomic.Int64
				l := &lanes{max: lanesThere, busyHost: func() bool { return time.Since(began) < c.busyFor }}
				for range c.jobs {
					l.run(func(*lane) {
						if all.Add(1); time.Since(began) < busy {
							early.Add(1)
						}
						time.Sleep(took)
					})
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := int(early.Load()); all.Load() != int64(c.jobs) || n < c.atLeast || n > c.atMost || l.waiting != 0 || l.busy != 0 {
					t.Errorf("%d of %d jobs, %d of them within %v, want %d to %d; %d wait, %d are at it", all.Load(), c.jobs, n, busy, c.atLeast, c.atMost, l.waiting, l.busy)
				}
			})
		})
	}
}

func TestRunnableIsRead(t *testing.T) {
	r := newRunnable()
	if r == nil || !r.more(0) || r.more(1<<30) { // who asks runs
		t.Errorf("%+v: more than 0: %v", r, r.more(0))
	}
	if (*runnable)(nil).more(0) {
		t.Error("who cannot look waits")
	}
}

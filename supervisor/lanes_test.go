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
		var order []string
		l.run(func(*lane) { time.Sleep(time.Millisecond); order = append(order, "first") })
		l.tidy(func() { order = append(order, "tidied") })
		l.run(func(*lane) { order = append(order, "second") })
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"first", "second", "tidied"}; !slices.Equal(order, want) || l.busy != 0 {
			t.Errorf("order %q, want %q; %d lanes busy", order, want, l.busy)
		}
		l.tidy(func() { order = append(order, "again") })
		synctest.Wait()
		if len(order) != 3 {
			t.Error("it is tidied while the processors may still be wanted")
		}
		time.Sleep(tidyAfter)
		synctest.Wait()
		if len(order) != 4 {
			t.Error("without anything else to do, nothing is tidied")
		}
		l.tidy(func() { order = append(order, "at once") })
		l.tidyNow()
		synctest.Wait()
		if len(order) != 5 {
			t.Error("who knows that nothing more comes still waits")
		}
		time.Sleep(time.Second) // the timer finds nothing to do
		synctest.Wait()
		if l.busy != 0 || l.tidying {
			t.Errorf("%d lanes busy, tidying=%v", l.busy, l.tidying)
		}
	})
}

// The timer of a job that ended at that very moment gave its lane back a second time: the count of the busy went below
// zero, what can wait was never done, and an orderly end waited for it.
func TestALaneIsLeftOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		var first *lane
		l.run(func(ln *lane) { first = ln })
		synctest.Wait()
		first.leave() // as its timer does
		tidied := false
		l.tidy(func() { tidied = true })
		time.Sleep(time.Minute)
		if !tidied || l.busy != 0 {
			t.Errorf("tidied: %v; %d are busy", tidied, l.busy)
		}
	})
}

package checks

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowPeerDelaysNobody: 50 peers that say nothing beside one that answers.
func TestSlowPeerDelaysNobody(t *testing.T) {
	play(t, 0, func(w *world) {
		jobs := []Job{fakeJob("quick", time.Second, passing(time.Millisecond))}
		for i := range 50 {
			jobs = append(jobs, fakeJob(fmt.Sprintf("slow%d", i), 30*time.Second, passing(time.Hour)))
		}
		w.set(t, jobs...)
		w.at(time.Minute)
		quick := 0
		for _, r := range w.take() {
			switch {
			case r.Name == "quick":
				quick++
				if r.Late != 0 {
					t.Errorf("late %d times", r.Late)
				}
			case r.Result.Duration != timeoutDefault:
				t.Errorf("%s took %v, want its timeout %v", r.Key, r.Result.Duration, timeoutDefault)
			}
		}
		if quick < 59 {
			t.Errorf("the quick one had %d looks in a minute, want 60", quick)
		}
	})
}

func TestCheckThatStillRunsIsNotStartedTwice(t *testing.T) {
	play(t, 0, func(w *world) {
		running := 0
		f := &fake{}
		f.run = func(ctx context.Context) Result {
			running++
			if running > 1 {
				t.Errorf("started %d times at once", running)
			}
			<-time.After(25 * time.Second)
			running--
			return Pass("fine")
		}
		// A cron line may be shorter than the timeout; so may what a test sets by hand.
		w.set(t, fakeJob("a", 10*time.Second, f, func(o *Options) { o.Timeout = Duration(time.Minute) }))
		w.at(5 * time.Minute)
		reports := w.take()
		if len(reports) < 9 || reports[len(reports)-1].Late < 15 {
			t.Errorf("%d reports, the last with %d left out", len(reports), reports[len(reports)-1].Late)
		}
	})
}

func TestHangingCheckIsReportedAndGivesItsPlaceAway(t *testing.T) {
	play(t, 1, func(w *world) {
		release := make(chan struct{})
		w.set(t,
			fakeJob("dead", 10*time.Second, neverBack(release), func(o *Options) { o.Timeout = Duration(2 * time.Second) }),
			fakeJob("quick", 10*time.Second, passing(0)))
		w.at(time.Minute)
		quick, dead := 0, 0
		for _, r := range w.take() {
			if r.Name == "quick" {
				quick++
			} else {
				dead++
				expectDetail(t, r.Result, Failing, "no answer within 2s", "cannot be broken off")
			}
		}
		if quick < 5 || dead != 1 {
			t.Errorf("quick had %d looks, the hanging one %d reports; want 6 and 1", quick, dead)
		}
		if st, _ := w.Status(Key{Name: "dead"}); st.RunningSince.IsZero() || st.Last.Late < 4 {
			t.Errorf("status does not show that it hangs: %+v", st)
		}
		close(release)
		w.at(75 * time.Second)
		w.Scheduler.mu.Lock()
		if w.running != 0 {
			t.Errorf("%d places are taken, and nothing runs", w.running)
		}
		w.Scheduler.mu.Unlock()
		for _, r := range w.take() {
			if r.Name == "dead" && r.Result.State != OK {
				t.Errorf("after it came back: %s", r.Result.Detail)
			} else if r.Name == "dead" {
				return
			}
		}
		t.Error("it was not run again after it came back")
	})
}

func TestParallelIsBounded(t *testing.T) {
	play(t, 3, func(w *world) {
		running, most := 0, 0
		var mu sync.Mutex
		var jobs []Job
		for i := range 20 {
			jobs = append(jobs, fakeJob(fmt.Sprint(i), time.Minute, &fake{run: func(context.Context) Result {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				<-time.After(5 * time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return Pass("fine")
			}}))
		}
		w.set(t, jobs...)
		w.at(time.Minute)
		if most != 3 || len(w.take()) < 20 {
			t.Errorf("%d ran at once, want 3", most)
		}
	})
}

func TestNoChecksNoTimer(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("db/a", time.Second, passing(0)))
		w.at(3 * time.Second)
		w.Pause("db")
		synctest.Wait()
		w.take()
		w.mu.Lock()
		left := len(w.due)
		w.mu.Unlock()
		w.at(time.Hour)
		if got := w.take(); len(got) != 0 || left != 0 {
			t.Errorf("%d reports while paused, %d jobs in the heap", len(got), left)
		}
		w.Resume("db", 7)
		w.at(time.Hour + 3*time.Second)
		got := w.take()
		if len(got) < 2 || got[0].Instance != 7 {
			t.Errorf("after resuming: %+v", got)
		}
		w.set(t)
		w.at(2 * time.Hour)
		if got := w.take(); len(got) != 0 || len(w.due) != 0 {
			t.Errorf("%d reports without checks", len(got))
		}
	})
}

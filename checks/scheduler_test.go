package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachCheckRunsOncePerPeriod(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("a", time.Second, passing(100*time.Millisecond)), fakeJob("b", 10*time.Second, passing(0)))
		w.at(time.Minute)
		count := map[string]int{}
		for _, r := range w.take() {
			count[r.Name]++
		}
		if count["a"] < 59 || count["a"] > 60 || count["b"] < 6 || count["b"] > 7 {
			t.Errorf("in a minute: %v", count)
		}
	})
}

func TestFirstLooksAreSpread(t *testing.T) {
	play(t, 0, func(w *world) {
		var jobs []Job
		for i := range 1000 {
			jobs = append(jobs, fakeJob(fmt.Sprintf("c%03d", i), time.Hour, passing(0)))
		}
		w.set(t, jobs...)
		w.at(spreadMax)
		reports := w.take()
		if len(reports) != 1000 {
			t.Fatalf("%d of 1000 had their first look within %v", len(reports), spreadMax)
		}
		// In no hundredth of the window may there be more than two or three times its share.
		var buckets [100]int
		for _, r := range reports {
			buckets[min(99, int(r.At.Sub(w.begin)*100/spreadMax))]++
		}
		if most := slices.Max(buckets[:]); most > 15 {
			t.Errorf("a burst of %d checks within %v", most, spreadMax/100)
		}
	})
}

func TestPausedBeforeSet(t *testing.T) {
	play(t, 0, func(w *world) {
		w.Pause("db")
		w.set(t, fakeJob("db/a", time.Second, passing(0)), fakeJob("web/a", time.Second, passing(0)))
		w.at(5 * time.Second)
		for _, r := range w.take() {
			if r.Service == "db" {
				t.Fatal("the check of a paused service ran")
			}
		}
	})
}

func TestResultOfAnEarlierEpochIsNotReported(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"paused":       func(w *world) { w.Pause("db") },
		"new instance": func(w *world) { w.Resume("db", 2) },
		"reset":        func(w *world) { w.Reset("db") },
		"unfrozen":     func(w *world) { w.Unfreeze("db") },
		"removed":      func(w *world) { w.Set(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 0, func(w *world) {
				began := make(chan struct{}, 9)
				w.set(t, fakeJob("db/a", time.Minute, &fake{run: func(ctx context.Context) Result {
					began <- struct{}{}
					<-time.After(5 * time.Second)
					return Fail("the old instance is broken")
				}}))
				<-began
				end(w)
				<-time.After(9 * time.Second)
				synctest.Wait()
				for _, r := range w.take() {
					if r.Instance != 2 {
						t.Errorf("reported: %+v", r)
					}
				}
			})
		})
	}
}

func TestFrozenChecksAreShownAndCountForNothing(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("db/a", 10*time.Second, scripted("xxxxxxx"), func(o *Options) { o.FailAfter.Count = 3 }))
		w.at(15 * time.Second) // two failures
		w.Freeze("db")
		w.at(35 * time.Second)
		if got := w.changes(); got != "" {
			t.Errorf("while frozen: %s", got)
		}
		if st, _ := w.Status(Key{"db", "a"}); st.State() != Failing || !st.Frozen || st.Last.Failures != 0 {
			t.Errorf("shown as %s, frozen %t, %d failures", st.State(), st.Frozen, st.Last.Failures)
		}
		w.Unfreeze("db")
		w.at(55 * time.Second) // looks at 40 s and 50 s
		if got := w.changes(); got != "" {
			t.Errorf("failures from before or under the lock count: %s", got)
		}
		w.at(65 * time.Second)
		if got := w.changes(); got != "db/a failed at 1m" {
			t.Errorf("after three fresh failures: %q", got)
		}
	})
}

func TestFailureToldBeforeALockGetsItsRecovery(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("db/a", 10*time.Second, scripted("xx..")))
		w.at(15 * time.Second)
		w.Freeze("db")
		w.at(35 * time.Second)
		w.Unfreeze("db")
		w.at(45 * time.Second)
		if got := w.changes(); got != "db/a failed at 0s, db/a recovered at 40s" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestNeeds(t *testing.T) {
	play(t, 0, func(w *world) {
		var looked atomic.Int32
		w.set(t,
			fakeJob("uplink", 10*time.Second, scripted(".xx.."), func(o *Options) { o.FailAfter.Count = 3 }),
			fakeJob("web/far", 10*time.Second, &fake{run: func(context.Context) Result { looked.Add(1); return Pass("fine") }},
				func(o *Options) { o.Needs = []string{"uplink"} }),
			fakeJob("web/behind", 10*time.Second, passing(0), func(o *Options) { o.Needs = []string{"far"} }))
		w.at(9 * time.Second) // all have been looked at once
		w.take()
		w.at(29 * time.Second)
		for _, r := range w.take() {
			if r.Service == "web" {
				expectDetail(t, r.Result, Unknown, "not looked at, because")
			}
			if r.Name == "far" {
				expectDetail(t, r.Result, Unknown, "uplink is needed and failing: it is broken")
			}
		}
		if n := looked.Load(); n != 1 {
			t.Errorf("looked %d times while the uplink failed", n-1)
		}
		w.at(49 * time.Second)
		if n := looked.Load(); n != 3 {
			t.Errorf("looked %d times after the uplink was back, want 2", n-1)
		}
	})
}

func TestSetKeepsWhatDidNotChange(t *testing.T) {
	play(t, 0, func(w *world) {
		two := func(o *Options) { o.FailAfter.Count = 2 }
		a, b := fakeJob("a", 10*time.Second, scripted("xx"), two), fakeJob("b", 10*time.Second, scripted("xx"), two)
		w.set(t, a, b)
		w.at(9 * time.Second)
		changed := b
		changed.Options.Remind = Duration(time.Hour)
		w.set(t, a, changed)
		w.at(14 * time.Second)
		if got := w.changes(); got != "a failed at 10s" {
			t.Errorf("told: %s; want that a kept its first failure and b began afresh", got)
		}
	})
}

func TestSetRefusesAnUnknownType(t *testing.T) {
	s := NewScheduler(Setup{})
	j := fakeJob("a", time.Second, passing(0))
	j.Options.Type = "tcq"
	if err := s.Set([]Job{j}); !strings.Contains(errText(err), `cannot schedule check "a": unknown type "tcq"; known: `) {
		t.Errorf("got %v", err)
	}
}

func TestStartDelayAndNotEvery(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("a", 10*time.Second, passing(0), func(o *Options) { o.StartDelay = Duration(time.Minute) }))
		w.at(59 * time.Second)
		if n := len(w.take()); n != 0 {
			t.Errorf("%d looks within start_delay", n)
		}
		always, err := ParseCron("* * * * *")
		if err != nil {
			t.Fatal(err)
		}
		w.set(t, fakeJob("a", time.Second, passing(0), func(o *Options) { o.NotEvery = Blackouts{always} }))
		w.at(2 * time.Minute)
		if n := len(w.take()); n != 0 {
			t.Errorf("%d looks in times left out", n)
		}
	})
}

// TestContextEndsWithTheLook: or every look would leave a timer behind until its timeout.
func TestContextEndsWithTheLook(t *testing.T) {
	play(t, 0, func(w *world) {
		seen := make(chan context.Context, 1)
		w.set(t, fakeJob("a", time.Hour, &fake{run: func(ctx context.Context) Result { seen <- ctx; return Pass("fine") }}))
		ctx := <-seen
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("the look is over and its context is not")
		}
	})
}

func TestPanicInACheckIsUnknown(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("a", time.Second, &fake{run: func(context.Context) Result { panic("index out of range") }}))
		w.at(2 * time.Second)
		got := w.take()
		if len(got) == 0 {
			t.Fatal("no report")
		}
		expectDetail(t, got[0].Result, Unknown, "a mistake in supd", "index out of range")
	})
}

func TestEndWaitsForWhatRuns(t *testing.T) {
	var back bool
	play(t, 0, func(w *world) {
		w.set(t, fakeJob("a", time.Hour, &fake{run: func(ctx context.Context) Result {
			<-ctx.Done()
			<-time.After(returnGrace / 2)
			back = true
			return Unclear("broken off")
		}}))
		w.at(time.Second)
	})
	if !back {
		t.Error("Run returned before the check came back")
	}
}

// TestReportMayCallTheScheduler: the caller pauses a service in the report of its failure.
func TestReportMayCallTheScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Scheduler
		reports := 0
		s = NewScheduler(Setup{Report: func(r Report) {
			reports++
			s.Pause(r.Service)
			s.Status(r.Key)
		}})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := s.Set([]Job{fakeJob("db/a", time.Second, passing(0))}); err != nil {
			t.Fatal(err)
		}
		s.Run(ctx)
		if reports != 1 {
			t.Errorf("%d reports, want 1 and then a pause", reports)
		}
	})
}

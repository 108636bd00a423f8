package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a check under the test's control.
type fake struct {
	run func(ctx context.Context) Result
}

func (f *fake) Validate() error                       { return nil }
func (f *fake) Make() Check                           { return f }
func (f *fake) Run(ctx context.Context, _ Env) Result { return f.run(ctx) }

// passing is a check that takes d.
func passing(d time.Duration) *fake {
	return &fake{run: func(ctx context.Context) Result {
		select {
		case <-ctx.Done():
			return Fail("no answer")
		case <-time.After(d):
			return Pass("fine")
		}
	}}
}

// scripted plays a letter per look: . is ok, x failing, ? unknown; the last one goes on.
func scripted(letters string) *fake {
	i := -1
	return &fake{run: func(context.Context) Result {
		i = min(i+1, len(letters)-1)
		switch letters[i] {
		case 'x':
			return Fail("it is broken")
		case '?':
			return Unclear("nobody can look")
		}
		return Pass("fine")
	}}
}

// neverBack does not obey its context: a system call on a dead file system.
func neverBack(release <-chan struct{}) *fake {
	return &fake{run: func(context.Context) Result {
		<-release
		return Pass("at last")
	}}
}

// world is a running scheduler whose reports are kept.
type world struct {
	*Scheduler
	mu      sync.Mutex
	reports []Report
	begin   time.Time
	ctx     context.Context // of the bubble: a channel belongs to one
}

// play runs f beside a scheduler in a bubble with its own clock.
func play(t *testing.T, parallel int, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{begin: time.Now(), ctx: t.Context()}
		w.Scheduler = NewScheduler(Setup{Parallel: parallel, Report: func(r Report) {
			w.mu.Lock()
			w.reports = append(w.reports, r)
			w.mu.Unlock()
		}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		f(w)
		stop()
		<-ended
		<-time.After(time.Hour) // for checks that do not obey their context
	})
}

// at lets the clock run until d after the beginning, and all be done that is due then.
func (w *world) at(d time.Duration) {
	<-time.After(time.Until(w.begin.Add(d)))
	synctest.Wait()
}

// take returns the reports since the last call.
func (w *world) take() []Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.reports
	w.reports = nil
	return out
}

// changes writes them down: "db/ping failed at 10s".
func (w *world) changes() string {
	var out []string
	for _, r := range w.take() {
		if r.Change != NoChange {
			out = append(out, fmt.Sprintf("%s %s at %s", r.Key, r.Change, Duration(r.At.Sub(w.begin))))
		}
	}
	return strings.Join(out, ", ")
}

// job is a check of type tcp by name, run by a fake; "db/ping" belongs to a service.
func fakeJob(key string, every time.Duration, f *fake, change ...func(*Options)) Job {
	j := Job{Key: Key{Name: key}, Options: DefaultOptions(), Config: f}
	if service, name, ok := strings.Cut(key, "/"); ok {
		j.Key = Key{service, name}
	}
	j.Options.Type = "tcp"
	j.Options.Every.Interval = every
	for _, c := range change {
		c(&j.Options)
	}
	j.Options.Complete()
	return j
}

func (w *world) set(t *testing.T, jobs ...Job) {
	t.Helper()
	if err := w.Set(jobs); err != nil {
		t.Fatal(err)
	}
}

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

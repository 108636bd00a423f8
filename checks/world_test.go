package checks

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a check under the test's control.
type fake struct {
	run func(ctx context.Context) Result
}

func (f *fake) Validate() error { return nil }

func (f *fake) Make() Check { return f }

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

package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fast is a journal that does not wait for company before it saves.
func fast(t *testing.T, o Options) *Journal {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "journal.db")
	}
	if o.linger == 0 {
		o.linger = time.Millisecond
	}
	j := Open(o)
	t.Cleanup(func() { _ = j.Close() })
	<-j.Ready()
	return j
}

func mustFlush(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Flush(t.Context()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

func mustEvents(t *testing.T, j *Journal, q Query) []Event {
	t.Helper()
	list, err := j.Events(t.Context(), q)
	if err != nil {
		t.Fatalf("Events: %v", err)
	}
	return list
}

func texts(list []Event) (out []string) {
	for _, e := range list {
		out = append(out, e.Text)
	}
	return out
}

func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint("event ", i))
	}
	return out
}

func appendNumbered(j *Journal, from, to int) {
	for i := from; i < to; i++ {
		j.Append(Event{Type: "test", Service: fmt.Sprint("s", i%3), Severity: Info, Text: fmt.Sprint("event ", i)})
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestEverythingIsThereAgainAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path})
	j.Append(Event{Type: "service.crashed", Service: "db", Severity: Error, Text: "died", Fields: map[string]string{"signal": "KILL"}})
	j.Count("db", "restarts", 2)
	j.Count("web", "restarts", 1)
	at := time.Now().Round(0)
	j.CheckDone("db", "ping", CheckResult{Time: at, State: "ok", Value: "3 ms"})
	j.CheckDone("db", "ping", CheckResult{Time: at.Add(time.Second), State: "ok", Value: "4 ms"}) // saved at Close only
	before := mustEvents(t, j, Query{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	j = fast(t, Options{Path: path})
	j.Count("db", "restarts", 1)
	after := mustEvents(t, j, Query{})
	if len(after) != 1 || !after[0].Time.Equal(before[0].Time) {
		t.Fatalf("got %v, want %v", after, before)
	}
	after[0].Time, before[0].Time = time.Time{}, time.Time{} // the monotonic reading is not kept
	same(t, "event", after, before)
	same(t, "db's counter", j.Counter("db", "restarts"), uint64(3))
	same(t, "web's counter", j.Counter("web", "restarts"), uint64(1))
	j.CheckDone("db", "ping", CheckResult{Time: at.Add(2 * time.Second), State: "failing"})
	var values []string
	for _, r := range j.CheckHistory(t.Context(), "db", "ping", 0) {
		values = append(values, r.State+r.Value)
	}
	same(t, "history", values, []string{"ok3 ms", "ok4 ms", "failing"})
	j.Append(Event{Type: "later"})
	if list := mustEvents(t, j, Query{}); list[1].Seq != list[0].Seq+1 {
		t.Errorf("numbers do not go on: %d then %d", list[0].Seq, list[1].Seq)
	}
}

func TestQuerySelects(t *testing.T) {
	now := time.Unix(1000, 0)
	j := fast(t, Options{Queue: 4, Now: func() time.Time { return now }}) // most come from the database
	for i, e := range []Event{
		{Type: "service.crashed", Service: "db"}, {Type: "service.started", Service: "db"},
		{Type: "service.crashed", Service: "web"}, {Type: "lock.taken", Service: "db"},
		{Type: "service.crashed", Service: "db"}, {Type: "servicex", Service: "db"},
		{Type: "lock.ended", Service: "web"}, {Type: "reload"},
	} {
		e.Text, e.Time = fmt.Sprint(i), now.Add(time.Duration(i)*time.Minute)
		j.Append(e)
		mustFlush(t, j)
	}
	for _, c := range []struct {
		name string
		q    Query
		want string
	}{
		{"all", Query{}, "0 1 2 3 4 5 6 7"},
		{"service", Query{Service: "web"}, "2 6"},
		{"type", Query{Type: "service.crashed"}, "0 2 4"},
		{"beginning with a dot", Query{Type: "service."}, "0 1 2 4"},
		{"beginning with a star", Query{Type: "service*"}, "0 1 2 4 5"},
		{"any type", Query{Type: "*"}, "0 1 2 3 4 5 6 7"},
		{"since", Query{Since: now.Add(5 * time.Minute)}, "5 6 7"},
		{"newest", Query{Limit: 3}, "5 6 7"},
		{"newest across memory and disk", Query{Service: "db", Limit: 4}, "1 3 4 5"},
		{"no limit", Query{Limit: -1}, "0 1 2 3 4 5 6 7"},
		{"nothing", Query{Service: "nobody"}, ""},
		{"together", Query{Service: "db", Type: "service.", Since: now.Add(time.Second)}, "1 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			same(t, "events", strings.Join(texts(mustEvents(t, j, c.q)), " "), c.want)
		})
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	j := Open(Options{Path: filepath.Join(t.TempDir(), "journal.db"), fault: func(s step) error { <-release; return nil }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Events(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Events while the disk hangs: %v", err)
	}
	if err := j.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush while the disk hangs: %v", err)
	}
	close(release)
	_ = j.Close()
}

func TestAppendDoesNotWaitForTheDisk(t *testing.T) {
	hang, hung := make(chan struct{}), make(chan struct{}, 1)
	j := fast(t, Options{Queue: 100, fault: func(s step) error {
		if s == stepCommit {
			select {
			case hung <- struct{}{}:
			default:
			}
			<-hang
		}
		return nil
	}})
	appendNumbered(j, 0, 1)
	<-hung
	appendNumbered(j, 1, 300) // three times the queue, while the writer stands still
	j.Count("db", "restarts", 1)
	j.CheckDone("db", "ping", CheckResult{State: "ok"})
	if list := mustEvents(t, j, Query{Limit: 10}); list[9].Text != "event 299" {
		t.Errorf("the newest event is %v", list[9])
	}
	close(hang)
	mustFlush(t, j)
	list := mustEvents(t, j, Query{Limit: -1})
	same(t, "events", texts(list), append([]string{"event 0", "199 events before this one were lost: they came faster than they could be saved"}, numbered(300)[200:]...))
	same(t, "lost", j.State().Lost, uint64(199))
}

func TestFollowersMissNothingAndRepeatNothing(t *testing.T) {
	j := fast(t, Options{Queue: 10_000})
	appendNumbered(j, 0, 500)
	go appendNumbered(j, 500, 3000)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enough := errors.New("enough")
	var got []string
	err := j.Follow(ctx, Query{Limit: -1}, func(e Event) error {
		if got = append(got, e.Text); len(got) == 3000 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("Follow: %v after %d", err, len(got))
	}
	same(t, "followed", got, numbered(3000))
}

func TestFollowFilters(t *testing.T) {
	j := fast(t, Options{})
	first := make(chan struct{})
	go func() { <-first; appendNumbered(j, 3, 9) }()
	appendNumbered(j, 0, 3)
	enough := errors.New("enough")
	var got []string
	err := j.Follow(t.Context(), Query{Service: "s1"}, func(e Event) error {
		if got = append(got, e.Text); len(got) == 1 {
			close(first)
		}
		if len(got) == 3 {
			return enough
		}
		return nil
	})
	same(t, "error", err, enough)
	same(t, "followed", got, []string{"event 1", "event 4", "event 7"})
}

func TestSlowFollowerIsCutOff(t *testing.T) {
	j := fast(t, Options{Queue: 16})
	appendNumbered(j, 0, 1)
	err := j.Follow(t.Context(), Query{}, func(e Event) error {
		appendNumbered(j, 0, 100) // while it is busy with one
		return nil
	})
	same(t, "error", err, ErrSlow)
}

func TestFollowEnds(t *testing.T) {
	j := fast(t, Options{})
	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(t.Context())
	appendNumbered(j, 0, 1)
	both := make(chan struct{}, 2)
	go func() { ended <- j.Follow(ctx, Query{}, func(Event) error { both <- struct{}{}; return nil }) }()
	<-both
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("after its context ended: %v", err)
	}
	go func() { ended <- j.Follow(t.Context(), Query{}, func(Event) error { both <- struct{}{}; return nil }) }()
	<-both
	_ = j.Close()
	same(t, "after Close", <-ended, ErrClosed)
	same(t, "Flush after Close", j.Flush(t.Context()), ErrClosed)
	j.Append(Event{Text: "too late"})
	if list := mustEvents(t, j, Query{}); len(list) != 1 {
		t.Errorf("Append after Close took %v", list)
	}
}

func TestNothingHappensWhileNothingHappens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		steps := 0
		j := Open(Options{Path: path, fault: func(step) error { steps++; return nil }})
		j.Append(Event{Text: "one"})
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before, began := steps, time.Now()
		<-time.After(24 * time.Hour) // of the fake clock: passes at once if no other timer is set
		if steps != before || time.Since(began) != 24*time.Hour {
			t.Errorf("%d steps on the disk in an idle day", steps-before)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEventsShareAnFsync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		j := Open(Options{Path: path, fault: func(s step) error {
			if s == stepCommit {
				commits++
			}
			return nil
		}})
		<-j.Ready()
		appendNumbered(j, 0, 1000)
		<-time.After(time.Second)
		synctest.Wait()
		if commits != 1 || !j.State().Saving || j.State().Waiting != 0 {
			t.Errorf("%d commits, state %+v", commits, j.State())
		}
		_ = j.Close()
	})
}

func TestKeep(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		name string
		keep Keep
		step time.Duration // between events
		want int
	}{
		{"count", Keep{Events: 30}, time.Second, 30},
		{"age", Keep{Events: 1000, Age: 10 * time.Minute}, time.Minute, 11},
		{"age leaves the newest", Keep{Events: 1000, Age: time.Second, Min: 25}, time.Hour, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := now
			path := filepath.Join(t.TempDir(), "journal.db")
			j := fast(t, Options{Path: path, Keep: c.keep, Queue: 5, Now: func() time.Time { return clock }})
			for i := range 100 {
				j.Append(Event{Text: fmt.Sprint("event ", i)})
				mustFlush(t, j)
				if i < 99 {
					clock = clock.Add(c.step)
				}
			}
			_ = j.Close()
			r, err := OpenReader(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			list, err := r.Events(t.Context(), Query{Limit: -1})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "kept", texts(list), numbered(100)[100-c.want:])
		})
	}
}

func TestHistoryIsBounded(t *testing.T) {
	j := fast(t, Options{})
	at := time.Now()
	for i := range 5 * historyKept {
		j.CheckDone("", "disk", CheckResult{Time: at.Add(time.Duration(i) * time.Second), State: "ok", Value: fmt.Sprint(i)})
	}
	list := j.CheckHistory(t.Context(), "", "disk", 0)
	if len(list) != historyKept || list[historyKept-1].Value != fmt.Sprint(5*historyKept-1) {
		t.Errorf("%d results kept, the last is %v", len(list), list[len(list)-1])
	}
	if two := j.CheckHistory(t.Context(), "", "disk", 2); len(two) != 2 || two[1] != list[historyKept-1] {
		t.Errorf("the newest two are %v", two)
	}
	if none := j.CheckHistory(t.Context(), "", "other", 2); len(none) != 0 {
		t.Errorf("a check that never ran has %v", none)
	}
}

func BenchmarkAppend(b *testing.B) {
	j := Open(Options{Path: filepath.Join(b.TempDir(), "journal.db")})
	defer j.Close()
	<-j.Ready()
	e := Event{Type: "service.crashed", Service: "db", Severity: Error, Text: "died", Fields: map[string]string{"signal": "KILL"}}
	b.ReportAllocs()
	for b.Loop() {
		j.Append(e)
	}
	b.ReportMetric(float64(j.State().Lost)/float64(b.N), "lost/op")
}

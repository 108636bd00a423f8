package supervisor

import (
	"slices"
	"testing"
	"time"

	"github.com/supd/supd/lockfile"
)

func TestOverdueLocksAreSpokenOfAtTheirEndAndAtEachInterval(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	hourly := func([]string) time.Duration { return time.Hour }
	o := newOverdue()
	now := func(d time.Duration, due []string, next time.Time) {
		t.Helper()
		locks, back := o.round(at(d), hourly)
		var ids []string
		for _, l := range locks {
			ids = append(ids, l.ID)
		}
		if !slices.Equal(ids, due) || !back.Equal(next) {
			t.Errorf("after %v: %v, again at %v; want %v, %v", d, ids, back, due, next)
		}
	}
	now(0, nil, time.Time{}) // no lock, no timer
	o.see("db", []lockfile.Lock{{ID: "a", Until: at(30 * time.Minute)}, {ID: "ever"}})
	o.see("web", []lockfile.Lock{{ID: "a", Until: at(30 * time.Minute)}}) // a group's
	now(0, nil, at(30*time.Minute))
	now(30*time.Minute, []string{"a"}, at(90*time.Minute))
	now(40*time.Minute, nil, at(90*time.Minute))
	now(91*time.Minute, []string{"a"}, at(151*time.Minute))
	// Extended: silent until then, and looked at within the interval all the same.
	o.see("db", []lockfile.Lock{{ID: "a", Until: at(200 * time.Minute)}})
	o.see("web", []lockfile.Lock{{ID: "a", Until: at(200 * time.Minute)}})
	now(100*time.Minute, nil, at(160*time.Minute))
	// The clock was set forward by days.
	now(100*time.Hour, []string{"a"}, at(101*time.Hour))
	// Ended: the timer goes with it.
	o.see("db", nil)
	o.see("web", nil)
	now(100*time.Hour+time.Minute, nil, time.Time{})
	if len(o.locks)+len(o.told) != 0 {
		t.Errorf("something is kept of a lock that is gone: %v, %v", o.locks, o.told)
	}
}

func TestOnlyAChangeOfLocksWakes(t *testing.T) {
	o := newOverdue()
	woken := func() bool {
		select {
		case <-o.changed:
			return true
		default:
			return false
		}
	}
	lock := lockfile.Lock{ID: "a", Until: time.Now()}
	for i, want := range []bool{true, false, false} {
		o.see("db", []lockfile.Lock{lock})
		o.see("web", nil)
		if got := woken(); got != want {
			t.Errorf("look %d woke: %v", i, got)
		}
	}
}

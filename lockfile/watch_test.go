package lockfile

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"
)

// until waits for wake-ups until what was seen satisfies ok.
func (w *Watcher) until(t *testing.T, ok func(Change) bool) {
	t.Helper()
	var seen Change
	limit := time.After(10 * time.Second)
	for {
		select {
		case _, open := <-w.C:
			if !open {
				t.Fatal("the watch ended")
			}
		case <-limit:
			t.Fatalf("saw only %+v", seen)
		}
		c := w.Take()
		seen.All = seen.All || c.All
		seen.Services = append(seen.Services, c.Services...)
		if ok(seen) {
			return
		}
	}
}

func about(service string) func(Change) bool {
	return func(c Change) bool { return c.All || slices.Contains(c.Services, service) }
}

func watch(t *testing.T, d *Dir) *Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w, err := d.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		for range w.C { // closed: the goroutine is gone
		}
	})
	return w
}

func TestWatchSeesWhatOthersDo(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db", "web"))
	other, err := Open(d.path, Options{}) // a supctl without the daemon
	if err != nil {
		t.Fatal(err)
	}
	var l, g, a Lock
	for _, c := range []struct {
		name string
		do   func()
		ok   func(Change) bool
	}{
		{"lock", func() { l = lockOf(t, other, ann(), "db")[0] }, about("db")},
		{"end", func() {
			if _, err := other.End(context.Background(), end(ann(), l.ID)); err != nil {
				t.Fatal(err)
			}
		}, about("db")},
		{"first lock ever on a group", func() { g = lockOf(t, other, ann(), "@front")[0] }, func(c Change) bool { return c.All }},
		{"host lock", func() { a = lockOf(t, other, ann(), "--all")[0] }, func(c Change) bool { return c.All }},
		{"hold", func() { other.AddHold("web", HoldSpec{Kind: HoldOperatorStop}) }, about("web")},
		{"hold gone", func() { other.RemoveHolds(context.Background(), "web", nil) }, about("web")},
		{"first lock ever on a name", func() { lockOf(t, other, ann(), "brand-new") }, about("brand-new")},
		{"written by hand", func() { os.WriteFile(d.path+"/locks/service/web/x1.toml", []byte("garbage"), 0o644) }, about("web")},
		{"removed by hand", func() { os.Remove(d.path + "/locks/service/web/x1.toml") }, about("web")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watch(t, d)
			c.do()
			w.until(t, c.ok)
		})
	}
	_, _ = g, a
}

func TestWatchSeesTheSecondLockOnANewName(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	w := watch(t, d)
	lockOf(t, d, ann(), "later")
	w.until(t, about("later"))
	// Its directory is under watch by now, or the first wake-up would have come before the watch was in place.
	lockOf(t, d, bob(), "later")
	w.until(t, about("later"))
}

func TestWatchIsQuietWhileNothingChanges(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	w := watch(t, d)
	for range 100 { // actions change no lock and no hold
		if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
			t.Fatal(err)
		}
		d.Cover("db")
	}
	lockOf(t, d, ann(), "db")
	w.until(t, func(c Change) bool {
		if c.All || len(slices.Compact(slices.Clone(c.Services))) != 1 {
			t.Errorf("woken for %+v", c)
		}
		return true
	})
}

func TestWatchWithoutMarkerFails(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	if err := os.Remove(d.path + "/format"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Watch(context.Background()); err == nil {
		t.Error("watches what may be an empty mount point")
	}
}

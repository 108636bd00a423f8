package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// hoarded is a directory with many services, each with locks of ten people, and one service that nobody locks.
func hoarded(t testing.TB, services int) *Dir {
	t.Helper()
	const each = 10
	d := newDir(t, planOf(nil, "free", "other", "s0"))
	l := lockOf(t, d, ann(), "s0")[0]
	text, err := os.ReadFile(d.lockFile(l.Target, l.ID))
	if err != nil {
		t.Fatal(err)
	}
	for i := range services {
		target := ServiceTarget(fmt.Sprintf("s%d", i))
		if err := os.MkdirAll(d.lockDir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		for range each {
			id := NewIDFor(target)
			body := strings.NewReplacer(l.ID, id, `"s0"`, fmt.Sprintf("%q", target.Name), "members.s0", "members."+target.Name).Replace(string(text))
			if err := os.WriteFile(d.lockFile(target, id), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return d
}

// diskOps counts what f asks of the disk.
func diskOps(d *Dir, f func()) int {
	var n atomic.Int64
	d.disk.hook = func(string, string) error { n.Add(1); return nil }
	defer func() { d.disk.hook = nil }()
	f()
	return int(n.Load())
}

// What an action and a new lock read does not grow with the locks of others, 100 or 10,000; a list reads each lock a fixed number of times.
// Counted, not timed: a busy machine changes nothing.
func TestCostDoesNotGrowWithOthersLocks(t *testing.T) {
	few, many := hoarded(t, 10), hoarded(t, 1000)
	costs := map[string]func(d *Dir) int{
		"look and gate pass": func(d *Dir) int {
			return diskOps(d, func() {
				if err := d.Do(context.Background(), auto(d, VerbStart, "free"), nothing); err != nil {
					t.Fatal(err)
				}
			})
		},
		"look at a held service": func(d *Dir) int { return diskOps(d, func() { d.Observe("s0") }) },
		"start": func(d *Dir) int {
			var l Lock
			n := diskOps(d, func() { l = lockOf(t, d, bob(), "other")[0] })
			if _, err := d.End(context.Background(), end(bob(), l.ID)); err != nil {
				t.Fatal(err)
			}
			return n
		},
	}
	for _, cost := range costs {
		cost(few) // what is read once only
		cost(many)
	}
	for what, cost := range costs {
		if a, b := cost(few), cost(many); a != b || a == 0 {
			t.Errorf("%s: %d disk operations with 100 locks, %d with 10,000", what, a, b)
		}
	}
	list := func(d *Dir) int { return diskOps(d, func() { d.Locks() }) }
	list(few)
	list(many)
	if a, b := list(few), list(many); b > 110*a {
		t.Errorf("a list: %d disk operations for 100 locks, %d for 10,000", a, b)
	}
	if n := len(many.Locks().Locks); n < 10_000 {
		t.Errorf("%d locks", n)
	}
}

// An id is bound to its target: the same for another one is looked for everywhere, as every id that somebody made up.
func TestIDsAreBoundToTheirTarget(t *testing.T) {
	for _, target := range []Target{ServiceTarget("db"), GroupTarget("db"), HostTarget()} {
		id := NewIDFor(target)
		if err := ValidID(id); err != nil || !boundTo(id, target) || id == NewIDFor(target) {
			t.Errorf("%s for %s: %v", id, target, err)
		}
		for _, other := range []Target{ServiceTarget("db1"), GroupTarget("d"), ServiceTarget("all")} {
			if boundTo(id, other) {
				t.Errorf("the id %s of %s is good for %s", id, target, other)
			}
		}
	}
	d := newDir(t, planOf(nil, "db", "web"))
	id := NewIDFor(ServiceTarget("db"))
	lock := func(target string, o Owner) error {
		_, err := d.Lock(context.Background(), LockRequest{IDs: []string{id}, Targets: []Target{ServiceTarget(target)}, Owner: o})
		return err
	}
	if err := lock("web", bob()); err != nil { // somebody who knew it beforehand
		t.Fatal(err)
	}
	if err := lock("web", ann()); err == nil {
		t.Error("ann takes bob's lock over")
	}
	if n := len(d.Locks().Locks); n != 1 {
		t.Errorf("%d locks", n)
	}
}

// BenchmarkActionAmong10000Locks is everything that an action costs before its effect: look, gate, record, locks, holds, epoch; of a service that
// nobody locks, and the refusal of one that ten people do.
func BenchmarkActionAmong10000Locks(b *testing.B) {
	d := hoarded(b, 1000)
	for _, service := range []string{"free", "s0"} {
		b.Run(service, func(b *testing.B) {
			for b.Loop() {
				err := d.Do(context.Background(), auto(d, VerbStart, service), nothing)
				var held *HeldError
				if err != nil && !errors.As(err, &held) {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			d.Locks()
		}
	})
}

package lockfile

import (
	"maps"
	"slices"
	"testing"
)

// A service that was renamed while it ran goes on under its old name. A lock that was taken on the old name then did not hold
// the new one, which is the same: after its end, or supd's, the other was started under the lock.
func TestLockOnAServiceThatIsGoneHoldsItsHeir(t *testing.T) {
	renamed := Plan{Services: map[string]Identity{"extra2": {Command: "/bin/extra"}, "web": {Command: "/bin/web"}}}
	gone := renamed
	gone.Gone = map[string]Identity{"extra": {Command: "/bin/extra"}}
	for target, other := range map[string]string{"extra": "extra2", "extra2": "extra"} {
		d := newDir(t, planOf(nil, "extra", "web"))
		reload(t, d, gone, "extra", "extra2")
		if r, err := d.Resolve(ServiceTarget(target), nil); err != nil || !r.Known || len(r.Members) != 2 {
			t.Errorf("%s is resolved to %+v, %v", target, r, err)
		}
		l := lockOf(t, d, ann(), target)[0]
		for _, name := range []string{target, other} {
			if c := d.Cover(name); len(c.Locks) != 1 || c.Locks[0].ID != l.ID {
				t.Errorf("a lock on %s: %s is held by %v", target, name, c.Locks)
			}
		}
		if c := d.Cover("web"); len(c.Locks) > 0 {
			t.Errorf("web is held by %v", c.Locks)
		}

		// The old name has ended. A lock beside the first one on a name that nobody knows any more covers no less.
		reload(t, d, renamed, "extra")
		lockOf(t, d, bob(), target)
		if c := d.Cover("extra2"); len(c.Locks) != 2 {
			t.Errorf("a second lock on %s: extra2 is held by %v", target, c.Locks)
		}
	}
}

// Who vanishes from the plan altogether is in no plan's services; what has its name again is no longer gone.
func TestGoneIsNoService(t *testing.T) {
	p := Plan{Services: map[string]Identity{"a": {Command: "/new"}}, Gone: map[string]Identity{"a": {Command: "/old"}, "b": {Command: "/b"}}}
	if id, ok := p.identity("a"); !ok || id.Command != "/new" {
		t.Errorf("a is %v", id)
	}
	if got := slices.Sorted(maps.Keys(maps.Collect(p.all()))); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
	if id := maps.Collect(p.all())["a"]; id.Command != "/new" {
		t.Errorf("a is %v", id)
	}
}

package lockfile

import (
	"context"
	"testing"
)

// Ids can be read by everybody. Somebody who takes one over for a lock of his own on another target would hide the first lock, act
// under it, and void both by ending his.
func TestLockIDOfAnotherTargetIsRefused(t *testing.T) {
	d := newDir(t, Plan{Groups: map[string][]string{"g": {"db", "web"}}}, "db", "web")
	alice, mallory := Owner{Name: "alice", UID: 1, LoginUID: 1}, Owner{Name: "mallory", UID: 2, LoginUID: 2}
	id := NewID()
	lock := func(o Owner, target Target) error {
		_, err := d.Lock(context.Background(), LockRequest{IDs: []string{id}, Targets: []Target{target}, Owner: o})
		return err
	}
	if err := lock(alice, ServiceTarget("web")); err != nil {
		t.Fatal(err)
	}
	for _, target := range []Target{GroupTarget("g"), HostTarget(), ServiceTarget("db")} {
		for _, o := range []Owner{mallory, alice} {
			if err := lock(o, target); err == nil {
				t.Errorf("%s locks %s with the id of the lock on web", o.Name, target)
			}
		}
	}
	if err := lock(mallory, ServiceTarget("web")); err == nil {
		t.Error("mallory takes over the very lock")
	}
	if err := lock(alice, ServiceTarget("web")); err != nil {
		t.Errorf("the same request again: %v", err)
	}
	c := d.Cover("web")
	if len(c.Locks) != 1 || !c.Locks[0].Owner.Same(alice) || len(c.Unreadable) > 0 {
		t.Errorf("web is covered by %v", c)
	}
	if c := d.Cover("db"); !c.Clean() {
		t.Errorf("db is covered by %v although every lock on it was refused", c)
	}
	// A group's own lock again, with its copies in its members' directories.
	id = NewID()
	for range 2 {
		if err := lock(alice, GroupTarget("g")); err != nil {
			t.Errorf("a group lock, taken and taken up again: %v", err)
		}
	}
}

package lockfile

import (
	"context"
	"errors"
	"testing"
)

// Two people who share an account hold two locks; one of them takes the other's away only by asking for that very lock.
func TestEndOfAnotherSessionNeedsToBeAsked(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	first := Owner{Name: "anna", LoginUID: 1000, Session: "1"}
	second := Owner{Name: "anna", LoginUID: 1000, Session: "2"}
	stranger := Owner{Name: "bob", LoginUID: 1001, Session: "3"}
	id := NewID()
	if _, err := d.Lock(context.Background(), LockRequest{IDs: []string{id}, Targets: []Target{ServiceTarget("db")}, Owner: first}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		owner Owner
		any   bool
		ends  bool
	}{{second, false, false}, {stranger, true, false}, {second, true, true}} {
		_, err := d.End(context.Background(), EndRequest{IDs: []string{id}, Owner: c.owner, AnySession: c.any, Force: true})
		var not *NotOwnerError
		if c.ends && err != nil || !c.ends && !errors.As(err, &not) {
			t.Errorf("end by %s of session %s, any session %v: %v", c.owner.Name, c.owner.Session, c.any, err)
		}
	}
}

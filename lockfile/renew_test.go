package lockfile

import (
	"context"
	"slices"
	"testing"
	"time"
)

func TestRenewChangesWordsOnly(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	ctx, me := context.Background(), Owner{Name: "anna", LoginUID: 1000, Session: "1"}
	lock := func(reason string) []Lock {
		t.Helper()
		res, err := d.Lock(ctx, LockRequest{IDs: []string{NewID()}, Targets: []Target{ServiceTarget("db")}, Owner: me, Reason: reason, NotReady: []string{"no ticket"}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Locks
	}
	first := lock("")
	until := time.Now().Add(time.Hour).Round(time.Second)
	again, err := d.Renew(ctx, lock("disk"), me, Words{Reason: "disk", Until: until})
	if err != nil {
		t.Fatal(err)
	}
	for what, l := range map[string]Lock{"returned": again[0], "on disk": d.Locks().Locks[0]} {
		if l.ID != first[0].ID || l.Reason != "disk" || !l.Until.Equal(until) || len(l.NotReady) != 0 || !l.TakenAt.Equal(first[0].TakenAt) {
			t.Errorf("%s: %+v", what, l)
		}
	}
	if same, err := d.Renew(ctx, again, me, Words{}); err != nil || same[0].Reason != "disk" || !slices.Equal(same[0].NotReady, again[0].NotReady) {
		t.Errorf("saying nothing changed it: %+v, %v", same[0], err)
	}
	if _, err := d.Renew(ctx, again, Owner{Name: "bob", LoginUID: 1001}, Words{Reason: "mine"}); err == nil {
		t.Error("somebody else changed its words")
	}
}

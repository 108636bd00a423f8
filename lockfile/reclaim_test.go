package lockfile

import (
	"context"
	"testing"
)

// Whoever goes on with a lock of their own whose session or exec is gone has it in this session from then on.
func TestReclaimIsForTheSamePersonOnly(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	r := lockReq(ann(), 0, "db")
	r.Attached = true
	res, err := d.Lock(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	old := res.Locks[0]
	later := ann()
	later.Session = "9"
	everybody := func(Lock) bool { return true }
	for what, c := range map[string]struct {
		by   Owner
		gone func(Lock) bool
	}{"somebody else": {bob(), everybody}, "its taker is there": {later, func(Lock) bool { return false }}} {
		if _, err := d.Reclaim(context.Background(), res.Locks, c.by, c.gone); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if l := d.Locks().Locks[0]; !l.Owner.Same(ann()) || !l.Attached || l.OwnerBoot != "" {
			t.Errorf("%s changed it: %+v", what, l)
		}
	}
	got, err := d.Reclaim(context.Background(), res.Locks, later, everybody)
	if err != nil {
		t.Fatal(err)
	}
	for what, l := range map[string]Lock{"returned": got[0], "on disk": d.Locks().Locks[0], "copy": d.Cover("db").Locks[0]} {
		if !l.Owner.Same(later) || l.Attached || l.OwnerBoot != d.boot || l.ID != old.ID || l.BootID != old.BootID || !l.TakenAt.Equal(old.TakenAt) || l.Reason != old.Reason {
			t.Errorf("%s: %+v", what, l)
		}
	}
	if res.Locks[0].Owner.Session == "9" {
		t.Error("the caller's list was changed")
	}
}

package lockfile

import (
	"context"
	"testing"
)

// Of the locks that are over, notices are about those that somebody took over; what a reason says makes none of another.
func TestTakenOver(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	ctx := context.Background()
	for _, reason := range []string{"disk", `how = "break"`} {
		r := lockReq(ann(), 0, "db")
		r.Reason = reason
		res, err := d.Lock(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.End(ctx, end(ann(), res.Locks[0].ID)); err != nil {
			t.Fatal(err)
		}
	}
	r := lockReq(ann(), 0, "db")
	r.Reason = "a\n  how = \"end\"\nb"
	res, err := d.Lock(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Break(ctx, BreakRequest{ID: res.Locks[0].ID, NewID: NewID(), Owner: bob(), Reason: `how = "end"`}); err != nil {
		t.Fatal(err)
	}
	got := d.TakenOver()
	if all, bad := d.Ended(); len(all) != 3 || len(bad) > 0 || len(got) != 1 || got[0].ID != res.Locks[0].ID || got[0].Ended.How != "break" || got[0].Reason != r.Reason {
		t.Errorf("%d are over, taken over are %+v", len(all), got)
	}
	// Every command of anybody asks: what was read once is not read again, and what has come since is seen.
	if n := diskOps(d, func() { d.TakenOver() }); n != 2 {
		t.Errorf("%d disk operations, want the list and the one that was broken", n)
	}
	for _, l := range d.Locks().Locks {
		if _, err := d.Break(ctx, BreakRequest{ID: l.ID, NewID: NewID(), Owner: ann(), Reason: "mine"}); err != nil {
			t.Fatal(err)
		}
	}
	if again := d.TakenOver(); len(again) != 2 {
		t.Errorf("after a second break: %+v", again)
	}
}

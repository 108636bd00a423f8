package lockfile

import (
	"context"
	"errors"
	"testing"
)

func saying(w Words) Saying {
	return Saying{Gone: func(Lock) bool { return false }, Words: func(Lock) Words { return w }}
}

// A lock that ends between being taken up and being said more of is no lock: it is taken anew.
func TestLockAgainIsNotToldOfALockThatEnded(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	old := lockOf(t, d, ann(), "db")[0]
	ended := false
	say := saying(Words{Reason: "more"})
	say.Gone = func(l Lock) bool {
		if !ended { // the look is over, the rewrite has not begun
			ended = true
			other, err := Open(d.path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.End(context.Background(), end(ann(), l.ID)); err != nil {
				t.Fatal(err)
			}
		}
		return false
	}
	r := lockReq(ann(), 0, "db")
	r.Reason = "more"
	res, unsaid, err := d.LockAgain(context.Background(), r, say)
	if err != nil || unsaid != nil || !ended {
		t.Fatalf("%v, %v, ended %v", err, unsaid, ended)
	}
	c := d.Cover("db")
	if len(c.Locks) != 1 || len(res.Locks) != 1 || c.Locks[0].ID != res.Locks[0].ID || c.Locks[0].ID == old.ID || c.Locks[0].Reason != "more" {
		t.Errorf("told of %+v, there is %+v", res.Locks, c.Locks)
	}
}

// Who asks for an attached lock again relies on it; the process to which it was attached ends it no more. That process itself may say
// more of it.
func TestLockAgainDetaches(t *testing.T) {
	ctx := context.Background()
	d := newDir(t, Plan{}, "db")
	first := lockReq(ann(), 0, "db")
	first.Attached = true
	for range 2 { // the same command, with the same id
		res, unsaid, err := d.LockAgain(ctx, first, saying(Words{Reason: "asked on the terminal"}))
		if err != nil || unsaid != nil || !res.Locks[0].Attached {
			t.Fatalf("%+v, %v, %v", res.Locks, unsaid, err)
		}
	}
	if res, unsaid, err := d.LockAgain(ctx, lockReq(ann(), 0, "db"), saying(Words{})); err != nil || unsaid != nil || res.Locks[0].Attached || !res.Had(res.Locks[0]) {
		t.Fatalf("%+v, %v, %v", res, unsaid, err)
	}
	r := end(ann(), first.IDs[0])
	r.Attached = true
	var up *TakenUpError
	if _, err := d.End(ctx, r); !errors.As(err, &up) || len(d.Cover("db").Locks) != 1 {
		t.Errorf("the end of the command: %v, held by %+v", err, d.Cover("db").Locks)
	}
	if _, err := d.End(ctx, end(ann(), first.IDs[0])); err != nil {
		t.Error(err)
	}
}

package lockfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func offerTo(o Owner) *Offer {
	return &Offer{Name: o.Name, UID: o.Person(), By: "ann", At: time.Now().Round(time.Millisecond)}
}

// offer is what `transfer` does for its owner, who has seen the lock as it is.
func offer(t *testing.T, d *Dir, l Lock, heir *Offer) (Lock, error) {
	t.Helper()
	i := slices.IndexFunc(d.Locks().Locks, func(o Lock) bool { return o.ID == l.ID })
	if i < 0 {
		t.Fatalf("lock %s is gone", l.ID)
	}
	ls, err := d.Offer(context.Background(), OfferRequest{Seen: map[string]int{l.ID: d.Locks().Locks[i].Offers}, Owner: ann(), Heir: heir})
	if err != nil {
		return Lock{}, err
	}
	return ls[0], nil
}

func accept(d *Dir, by Owner, newID string, ids ...string) (AcceptResult, error) {
	r := AcceptRequest{IDs: ids, Owner: by, Wait: 5 * time.Second}
	for i := range ids {
		r.NewIDs = append(r.NewIDs, fmt.Sprint(newID, i))
	}
	return d.Accept(context.Background(), r)
}

func TestAShiftChangeKeepsWhatWasSaid(t *testing.T) {
	d := groupDir(t)
	until := time.Now().Add(time.Hour).Round(time.Second).UTC()
	res, err := d.Lock(context.Background(), LockRequest{IDs: []string{"l1"}, Targets: []Target{GroupTarget("front")}, Owner: ann(), Reason: "disk",
		Ticket: "OPS-1", Until: until, MeantDown: true, NotReady: []string{"a backup"}, Unproven: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	before := auto(d, VerbStart, "db")
	l, err := offer(t, d, res.Locks[0], offerTo(bob()))
	if err != nil || l.Offer.Name != "bob" || !l.Owner.Same(ann()) || d.Locks().Locks[0].Offer == nil {
		t.Fatalf("offered: %+v, %v", l, err)
	}
	got, err := accept(d, bob(), "n", "l1")
	if err != nil {
		t.Fatal(err)
	}
	n := got.New[0]
	if !n.Owner.Same(bob()) || n.Replaces != "l1" || n.Reason != "disk" || n.Ticket != "OPS-1" || !n.Until.Equal(until) || !n.MeantDown ||
		!slices.Equal(n.NotReady, []string{"a backup"}) || !slices.Equal(n.Unproven, []string{"web"}) || n.Offer != nil {
		t.Errorf("bob's lock is %+v", n)
	}
	for _, s := range []string{"db", "web"} {
		if c := d.Cover(s); len(c.Locks) != 1 || c.Locks[0].ID != n.ID {
			t.Errorf("%s is covered by %+v", s, c)
		}
	}
	ended, _ := d.Ended()
	if len(ended) != 1 || ended[0].Ended.How != "transfer" || !ended[0].Ended.By.Same(bob()) {
		t.Errorf("ended: %+v", ended)
	}
	if err := d.Do(context.Background(), before, nothing); err == nil {
		t.Error("a decision from before the shift change fired after it")
	}
	var gone *GoneError
	if _, err := d.End(context.Background(), EndRequest{IDs: []string{"l1"}, Owner: ann(), Force: true}); !errors.As(err, &gone) {
		t.Errorf("ann ends her lock that bob has taken over: %v", err)
	}
}

func TestOnlyTheHeirAcceptsAndOnlyWhileItIsOffered(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	var no *OfferError
	refused := func(why string, by Owner) {
		t.Helper()
		if _, err := accept(d, by, "n", l.ID); !errors.As(err, &no) {
			t.Errorf("%s: %v", why, err)
		}
		if ls := d.Locks().Locks; len(ls) != 1 || ls[0].ID != l.ID {
			t.Errorf("%s: locks are %+v", why, ls)
		}
	}
	refused("offered to nobody", bob())
	if _, err := offer(t, d, l, offerTo(bob())); err != nil {
		t.Fatal(err)
	}
	refused("offered to bob", cat())
	refused("her own", ann())
	if _, err := offer(t, d, l, offerTo(cat())); err != nil {
		t.Fatal(err)
	}
	refused("offered to somebody else since", bob())
	if _, err := offer(t, d, l, nil); err != nil {
		t.Fatal(err)
	}
	refused("withdrawn", cat())
	if _, err := d.Offer(context.Background(), OfferRequest{Seen: map[string]int{l.ID: 3}, Owner: cat(), Heir: offerTo(cat())}); err == nil {
		t.Error("cat offers ann's lock")
	}
}

// A shared account: another session of the same login takes over, and the one before has lost it.
func TestAnotherSessionOfTheSameLoginAccepts(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	if _, err := offer(t, d, l, offerTo(ann())); err != nil {
		t.Fatal(err)
	}
	second := ann()
	second.Session = "8"
	if _, err := accept(d, second, "n", l.ID); err != nil {
		t.Fatal(err)
	}
	if ls := d.Locks().Locks; len(ls) != 1 || !ls[0].Owner.Same(second) {
		t.Errorf("locks are %+v", ls)
	}
}

// The model's late transfer: a hung daemon works off a transfer that its owner has done otherwise and withdrawn.
func TestALateTransferRaisesNoWithdrawnOffer(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	late := OfferRequest{Seen: map[string]int{l.ID: l.Offers}, Owner: ann(), Heir: offerTo(bob())}
	if _, err := d.Offer(context.Background(), late); err != nil {
		t.Fatal(err)
	}
	if _, err := offer(t, d, l, nil); err != nil {
		t.Fatal(err)
	}
	var no *OfferError
	if _, err := d.Offer(context.Background(), late); !errors.As(err, &no) {
		t.Errorf("the late transfer: %v", err)
	}
	if ls := d.Locks().Locks; ls[0].Offer != nil {
		t.Errorf("it is offered: %+v", ls[0].Offer)
	}
}

func TestSeveralAreAcceptedAllOrNone(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	ls := lockOf(t, d, ann(), "db", "web")
	if _, err := offer(t, d, ls[0], offerTo(bob())); err != nil {
		t.Fatal(err)
	}
	if _, err := accept(d, bob(), "n", ls[0].ID, ls[1].ID); err == nil {
		t.Fatal("accepted what was not offered")
	}
	for _, l := range d.Locks().Locks {
		if !l.Owner.Same(ann()) {
			t.Errorf("%s changed hands: %+v", l.Target, l)
		}
	}
	if _, err := offer(t, d, ls[1], offerTo(bob())); err != nil {
		t.Fatal(err)
	}
	if _, err := accept(d, bob(), "n", ls[0].ID, ls[1].ID); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.Locks().Locks {
		if !l.Owner.Same(bob()) {
			t.Errorf("%s did not change hands: %+v", l.Target, l)
		}
	}
}

// Extending and asking again keep an offer; a break ends it with the lock.
func TestAnOfferStandsUntilItsLockGoes(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	if _, err := offer(t, d, l, offerTo(bob())); err != nil {
		t.Fatal(err)
	}
	if l, err := d.Rewrite(context.Background(), l.ID, ann(), func(l *Lock) { l.Reason = "other" }); err != nil || l.Offer == nil {
		t.Fatalf("%+v, %v", l, err)
	}
	if lockOf(t, d, ann(), "db")[0].Offer == nil {
		t.Error("the same start again dropped it")
	}
	if _, err := d.Break(context.Background(), BreakRequest{ID: l.ID, NewID: "new1", Owner: cat()}); err != nil {
		t.Fatal(err)
	}
	var gone *GoneError
	if _, err := accept(d, bob(), "n", l.ID); !errors.As(err, &gone) {
		t.Errorf("bob accepts a broken lock: %v", err)
	}
}

func TestKilledInOffer(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		d := groupDir(t)
		return d, job{Mode: "offer", IDs: []string{lockOf(t, d, ann(), "@front")[0].ID}, Owner: ann()}
	}, func(d *Dir, j job, killed bool) error {
		ls := d.Locks()
		if len(ls.Locks) != 1 || len(ls.Unreadable) > 0 || !ls.Locks[0].Owner.Same(ann()) || !killed && ls.Locks[0].Offer == nil {
			return fmt.Errorf("locks are %+v", ls)
		}
		r := OfferRequest{Seen: map[string]int{j.IDs[0]: ls.Locks[0].Offers}, Owner: ann(), Heir: offerTo(cat())}
		if _, err := d.Offer(context.Background(), r); err != nil {
			return fmt.Errorf("the same command again: %w", err)
		}
		return noTempsLeft(d)
	})
}

func TestKilledInAccept(t *testing.T) {
	killEverywhere(t, func() (*Dir, job) {
		d := groupDir(t)
		l := lockOf(t, d, ann(), "@front")[0]
		if _, err := offer(t, d, l, offerTo(cat())); err != nil {
			t.Fatal(err)
		}
		return d, job{Mode: "accept", IDs: []string{l.ID}, NewID: "new1", Owner: cat()}
	}, func(d *Dir, j job, killed bool) error {
		for _, s := range []string{"db", "web"} {
			if c := d.Cover(s); len(c.Locks) == 0 || len(c.Unreadable) > 0 {
				return fmt.Errorf("%s is not covered in the middle of the hand-over: %+v", s, c)
			}
		}
		if _, err := d.Recover(context.Background()); err != nil {
			return err
		}
		var gone *GoneError
		if _, err := accept(d, cat(), "again", j.IDs[0]); err != nil && !errors.As(err, &gone) {
			return fmt.Errorf("the same command again: %w", err)
		}
		ls := d.Locks()
		if len(ls.Locks) != 1 || len(ls.Unreadable) > 0 || !ls.Locks[0].Owner.Same(cat()) {
			return fmt.Errorf("want cat's lock alone, got %+v", ls)
		}
		return noTempsLeft(d)
	})
}

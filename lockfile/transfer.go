package lockfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Offer names who may take a lock over. The owner stays the owner until they accept.
type Offer struct {
	Name string    `toml:"name"`
	UID  int64     `toml:"uid"` // of the person, see Owner.Person
	By   string    `toml:"by"`  // who offers it
	At   time.Time `toml:"at"`
	Note string    `toml:"note,omitempty"`
}

// To says whether it is made to somebody.
func (o *Offer) To(p Owner) bool { return o != nil && o.UID == p.Person() }

// OfferRequest offers locks to an heir, or withdraws the offer.
type OfferRequest struct {
	// Seen is each lock's id with its Offers as who asks has seen them. A request that a hung daemon works off late finds another
	// number, and does not raise an offer that was withdrawn meanwhile.
	Seen  map[string]int
	Owner Owner
	Heir  *Offer // nil withdraws
	// AnySession is EndRequest's.
	AnySession bool
	Wait       time.Duration // zero is GateWait
}

// Offer says who may take locks over by Accept: all of them or none. It replaces an earlier offer, and hands nothing over by itself.
// Durable on return. Errors: as End's, *OfferError.
func (d *Dir) Offer(ctx context.Context, r OfferRequest) ([]Lock, error) {
	ids := slices.Sorted(maps.Keys(r.Seen))
	if len(ids) == 0 {
		return nil, errors.New("cannot offer: no lock named")
	}
	var out []Lock
	var dead []Record
	defer d.keepSpares()
	err := d.underGates(ctx, ids, deadline(r.Wait, GateWait), &dead, func(fs []*found, _ []string) error {
		for _, f := range fs {
			switch {
			case f.bad != nil:
				return &UnreadableError{f.id, []Unreadable{{f.path(d), f.bad}}}
			case !f.lock.Owner.Same(r.Owner) && !(r.AnySession && f.lock.Owner.SameLogin(r.Owner)):
				return &NotOwnerError{f.lock}
			case f.lock.Offers != r.Seen[f.id]:
				return &OfferError{f.lock, "its offer was changed meanwhile"}
			}
		}
		for _, f := range fs {
			l := f.lock
			l.Offer, l.Offers = r.Heir, l.Offers+1
			if err := d.rewrite(f, l); err != nil {
				return err
			}
			out = append(out, l)
		}
		return nil
	})
	return out, err
}

// AcceptRequest takes over locks that were offered.
type AcceptRequest struct {
	IDs      []string
	NewIDs   []string // one for each, as LockRequest.IDs
	Owner    Owner
	Wait     time.Duration // zero is LockWait
	Config   func() (Plan, error)
	Progress func(InFlight)
}

// AcceptResult names the locks as they were, and those that stand for them now.
type AcceptResult struct {
	Old, New    []Lock
	Interrupted []Record
}

// Accept makes locks that are offered to Owner theirs: all or none. Each gets a successor with the words of the one before, durable
// before that one goes, and all gates stay shut throughout, as in Break. Killed in between, both stand, and the same call of the
// same session finishes it. Errors as Break's, *OfferError; once New has an id, the heir holds the target.
func (d *Dir) Accept(ctx context.Context, r AcceptRequest) (AcceptResult, error) {
	if len(r.IDs) == 0 || len(r.IDs) != len(r.NewIDs) {
		return AcceptResult{}, fmt.Errorf("cannot accept: %d new ids for %d locks", len(r.NewIDs), len(r.IDs))
	}
	seen := map[string]bool{}
	for _, id := range slices.Concat(r.IDs, r.NewIDs) {
		if err := ValidID(id); err != nil {
			return AcceptResult{}, fmt.Errorf("cannot accept: %w", err)
		}
		if seen[id] {
			return AcceptResult{}, fmt.Errorf("cannot accept: the id %s is there twice", id)
		}
		seen[id] = true
	}
	var res AcceptResult
	t := &taking{d: d, until: deadline(r.Wait, LockWait), epochs: map[string]string{}, waited: map[string]bool{}, handedOver: true,
		req: LockRequest{Owner: r.Owner, Config: r.Config, Progress: r.Progress}}
	defer d.keepSpares()
	stamps := d.stamp(r.IDs, &Ended{At: time.Now().Round(time.Millisecond), By: r.Owner, How: "transfer"})
	defer stamps.discard(d)
	err := d.underGates(ctx, r.IDs, t.until, &res.Interrupted, func(fs []*found, names []string) error {
		for _, f := range fs {
			if err := offeredTo(f, r.Owner, d); err != nil {
				return err
			}
		}
		for i, f := range fs { // every successor first: what fails here has taken nothing from anybody
			if err := t.succeed(f, r.NewIDs[i]); err != nil {
				return err
			}
		}
		if err := d.newEpoch(names, ""); err != nil {
			return err
		}
		for i, f := range fs {
			res.Old, res.New = append(res.Old, f.lock), append(res.New, t.res.Locks[i])
			if err := d.bury(f, stamps); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	taken, err := t.wait(ctx)
	res.Interrupted = append(res.Interrupted, taken.Interrupted...)
	return res, err
}

// offeredTo judges one lock with its gates in hand.
func offeredTo(f *found, heir Owner, d *Dir) error {
	switch {
	case f.bad != nil:
		return &UnreadableError{f.id, []Unreadable{{f.path(d), f.bad}}}
	case f.lock.Owner.Same(heir):
		return &OfferError{f.lock, "it is yours already"}
	case f.lock.Offer == nil:
		return &OfferError{f.lock, "it is offered to nobody"}
	case !f.lock.Offer.To(heir):
		return &OfferError{f.lock, "it is offered to " + f.lock.Offer.Name}
	}
	return nil
}

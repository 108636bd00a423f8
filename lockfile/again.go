package lockfile

import (
	"context"
	"errors"
	"slices"
)

// Saying is what a command says of locks that its owner had before.
type Saying struct {
	Words func(Lock) Words
	Gone  func(Lock) bool // is whoever took it gone, see Reclaim
}

// againTries bounds how often a lock may end between being taken up and being said more of.
const againTries = 3

// LockAgain is Lock, which puts what is said now on the locks that were there before: the same command again means the same lock. One
// that a maintenance exec would end is attached to that no more, as whoever asks for it now relies on it, nor to a session that is
// gone. One that ends meanwhile is taken anew. unsaid: the locks stand, but as they were before. err is as Lock's.
func (d *Dir) LockAgain(ctx context.Context, r LockRequest, say Saying) (res LockResult, unsaid, err error) {
	for range againTries {
		if res, err = d.Lock(ctx, r); err != nil {
			return res, nil, err
		}
		unsaid = d.sayAgain(ctx, r, &res, say)
		if gone := (*GoneError)(nil); !errors.As(unsaid, &gone) {
			return res, unsaid, nil
		}
	}
	return res, nil, &StandsError{res.Locks, unsaid}
}

func (d *Dir) sayAgain(ctx context.Context, r LockRequest, res *LockResult, say Saying) error {
	for i, l := range res.Locks {
		if !res.Had(l) {
			continue
		}
		asked := slices.Contains(r.IDs, l.ID) // by this very command, which says more of its own lock
		mine, err := d.Reclaim(ctx, []Lock{l}, r.Owner, func(l Lock) bool { return l.Attached && !asked || say.Gone(l) })
		if err != nil {
			return err
		}
		said, err := d.Renew(ctx, mine, mine[0].Owner, say.Words(mine[0]))
		res.Locks[i] = said[0]
		if err != nil {
			return err
		}
	}
	return nil
}

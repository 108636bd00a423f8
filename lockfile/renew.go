package lockfile

import (
	"context"
	"slices"
	"time"
)

// Words are what a person says of a lock. Empty ones say nothing: they leave what is there.
type Words struct {
	Reason    string
	Ticket    string
	Until     time.Time
	MeantDown bool     // only ever set: nothing takes back that a service was stopped
	NotReady  []string // always set, also to nothing
	Unproven  []string // likewise
}

// Renew puts new words on one's own locks, after Lock has found them there already: the same
// command again means the same lock, with what it says now. Locks that say so already are not
// touched, and need no gate. Errors as Rewrite's; what was rewritten before stays, and the
// locks come back as they are.
func (d *Dir) Renew(ctx context.Context, locks []Lock, owner Owner, w Words) ([]Lock, error) {
	locks = slices.Clone(locks)
	for i, l := range locks {
		want := l
		w.putOn(&want)
		if want.Reason == l.Reason && want.Ticket == l.Ticket && want.Until.Equal(l.Until) && want.MeantDown == l.MeantDown && slices.Equal(want.NotReady, l.NotReady) && slices.Equal(want.Unproven, l.Unproven) {
			continue
		}
		got, err := d.Rewrite(ctx, l.ID, owner, w.putOn)
		if err != nil {
			return locks, err
		}
		locks[i] = got
	}
	return locks, nil
}

func (w Words) putOn(l *Lock) {
	if w.Reason != "" {
		l.Reason = w.Reason
	}
	if w.Ticket != "" {
		l.Ticket = w.Ticket
	}
	if !w.Until.IsZero() {
		l.Until = w.Until
	}
	l.MeantDown = l.MeantDown || w.MeantDown
	l.NotReady, l.Unproven = w.NotReady, w.Unproven
}

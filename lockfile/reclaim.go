package lockfile

import "context"

// Reclaim makes locks whose taker is gone, as gone judges, those of the session that asks, which is alive: the same person, who goes
// on with them. It is no hand-over: another login's are left alone, and so are those whose taker is there. Locks come back as they
// are, also with an error, which is as Rewrite's.
func (d *Dir) Reclaim(ctx context.Context, locks []Lock, me Owner, gone func(Lock) bool) ([]Lock, error) {
	out := append([]Lock{}, locks...)
	for i, l := range out {
		if !l.Owner.SameLogin(me) || !gone(l) {
			continue
		}
		got, err := d.rewriteOwn(ctx, l.ID, l.Owner, func(l *Lock) {
			if l.Owner.SameLogin(me) && gone(*l) { // it may have come back while this waited for the gates
				l.Owner, l.OwnerBoot, l.Attached = me, d.boot, false
			}
		})
		if err != nil {
			return out, err
		}
		out[i] = got
	}
	return out, nil
}

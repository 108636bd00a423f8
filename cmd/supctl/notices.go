package main

import (
	"context"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/internal/who"
)

// noticesWait bounds what a command that is done waits to say more.
const noticesWait = 500 * time.Millisecond

// tells says whether notices are for whoever reads this command's output.
func (a *app) tells() bool { return !a.flags.quiet && !a.json() }

// showNotices tells, once, what happened to the person's locks meanwhile, after a command that looked for supd. A failure is no news:
// what was not told comes with the next command.
func (a *app) showNotices() {
	if !a.running || a.place == nil || !a.tells() || a.heard != nil && len(a.heard) == 0 {
		return
	}
	c, err := a.client()
	if err != nil {
		a.noticesFromFiles()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noticesWait)
	defer cancel()
	r := api.NoticesReply{Notices: a.heard}
	if a.heard == nil {
		r, err = c.Notices(ctx)
	}
	if api.IsUnreachable(err) || ctx.Err() != nil { // also one that hangs
		a.noticesFromFiles()
		return
	}
	if err != nil || len(r.Notices) == 0 {
		return
	}
	var keys []string
	for _, n := range r.Notices {
		a.note("supctl: %s", clean(n.Text))
		keys = append(keys, n.Key)
	}
	_, _ = c.NoticesTold(ctx, api.NoticesTold{Keys: keys}) // not noted: told again
}

// noticesFromFiles does the same where no daemon answers. Only for who can note that it was told, or it would be told for ever.
func (a *app) noticesFromFiles() {
	d, err := a.openState()
	if err != nil {
		return
	}
	me, err := who.Self()
	if err != nil {
		return
	}
	all := notices.For(me, d.Locks().Locks, d.TakenOver(), a.now())
	if len(all) == 0 {
		return
	}
	untold := notices.Untold(d.Path(), me, all, who.SessionSince(me.PID))
	var keys []string
	for _, n := range untold {
		keys = append(keys, n.Key)
	}
	if len(untold) == 0 || notices.Tell(d, me, all, keys) != nil {
		return
	}
	for _, n := range untold {
		a.note("supctl: %s", clean(n.Text))
	}
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const maintReadyLong = `Ask again what your lock lacks: whether the checks that policy requires pass now,
whether a reason and a ticket are there (-m and --ticket say them, and on a
terminal you are asked), and, after maintenance start --stop, whether everything
is down. Exit code 0: ready, work may begin. Exit code 7: not ready, with what to
fix. It stops nothing and releases nothing: the lock stands either way.`

const maintReadyExample = `  supctl maintenance ready db
  supctl maintenance ready db --ticket OPS-17
  until supctl maintenance ready db -q; do sleep 60; done`

// readyFlags are what `maintenance ready` was told.
type readyFlags struct {
	targets
	req  api.MaintenanceReady
	mine bool
}

// maintReadyCommand declares `maintenance ready`.
func (a *app) maintReadyCommand() *cobra.Command {
	var f readyFlags
	cmd := &cobra.Command{
		Use: "ready TARGET…", Short: "Ask again whether work may begin", Long: maintReadyLong, Example: maintReadyExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.maintReady(cmd.Context(), &f, args) },
	}
	f.on(a, cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.req.Reason, "reason", "m", "", "why: everybody sees it")
	fl.StringVar(&f.req.Ticket, "ticket", "", "`ID` of the ticket or change")
	fl.BoolVar(&f.mine, "mine", false, "all of your own, also those of your other sessions")
	return cmd
}

// maintReady asks about the locks that `end` would mean, see ownLocks.
func (a *app) maintReady(ctx context.Context, f *readyFlags, args []string) error {
	names, err := f.of(args, !f.mine)
	if err != nil {
		return err
	}
	listed, why, err := a.listLocks(ctx, nil)
	if err == nil && why != nil {
		err = api.Errorf(api.CodeUnreachable, "cannot run the checks without supd: %v; what the lock lacked when it was taken: supctl maintenance list", why)
	}
	if err != nil {
		return err
	}
	if f.req.IDs, err = a.ownLocks(ctx, "ask about", listed, names, f.mine); err != nil {
		return err
	}
	reply, err := a.askReady(ctx, f.req)
	if err != nil {
		return a.interrupted("ask whether it is ready", err)
	}
	reply, err = a.fillUp(ctx, reply, func(w words) (api.MaintenanceReply, error) {
		f.req.Reason, f.req.Ticket = w.reason, w.ticket
		return a.askReady(ctx, f.req)
	})
	if err != nil {
		return a.interrupted("ask whether it is ready", err)
	}
	if err := a.answer(reply, func() { a.writeReady(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// askReady asks the daemon, the only one who can run checks.
func (a *app) askReady(ctx context.Context, req api.MaintenanceReady) (reply api.MaintenanceReply, err error) {
	c, err := a.client()
	if err != nil {
		return reply, err
	}
	err = a.watched(func(show api.Progress) (err error) {
		reply, err = c.MaintenanceReady(ctx, req, show)
		return err
	})
	return reply, err
}

// writeReady writes a line for each lock, and below what to fix.
func (a *app) writeReady(r api.MaintenanceReply) {
	for _, l := range r.Locks {
		switch {
		case !l.Ready:
			a.say("NOT READY %s", a.lockLine(l))
		case !a.flags.quiet:
			a.say("READY %s", a.lockLine(l))
		}
		for _, n := range l.NotReady {
			a.say("  to fix: %s", clean(n))
		}
	}
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

const maintBreakLong = `The bolt cutter: replace somebody else's lock by one of your own. Needs the admin
role and a reason; it is recorded, and the owner is told.

Before it asks it shows signs of life: the owner's session, what their exec began,
and processes that stand in the services' directories (dir, paths) or have files
open there for writing.

Breaking does not open the gate. You hold the lock afterwards and end it in the
ordinary way, with a try-out. Asks to type the target's name, unless --yes.`

const maintBreakExample = `  supctl maintenance break 7qk2 -m "anna is on a plane, the window is over"
  supctl maintenance break 7qk2 -m "owner left the company" --yes`

// breakFlags are what `maintenance break` was told.
type breakFlags struct {
	req  api.MaintenanceBreak
	yes  bool
	wait duration
}

// maintBreakCommand declares `maintenance break`. Its --wait is for the new lock:
// the old one goes in any case.
func (a *app) maintBreakCommand() *cobra.Command {
	f := breakFlags{wait: duration(lockfile.LockWait)}
	cmd := &cobra.Command{
		Use: "break ID", Short: "Take over somebody else's lock", Long: maintBreakLong, Example: maintBreakExample,
		Args: oneLockID(), ValidArgsFunction: a.completeLockIDs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.maintBreak(cmd.Context(), &f, args[0]) },
	}
	cmd.Flags().StringVarP(&f.req.Reason, "reason", "m", "", "why: everybody sees it")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().Var(&f.wait, "wait", "how long to wait for what is in flight")
	return cmd
}

// maintBreak breaks one lock by its full id, which is looked up before anybody is
// asked: between the question and the deed the id still means the same lock, or
// none.
func (a *app) maintBreak(ctx context.Context, f *breakFlags, id string) error {
	if f.req.Reason == "" {
		return usage("breaking a lock needs a reason: -m TEXT")
	}
	l, _, why, err := a.oneLock(ctx, "break", id)
	if err != nil {
		return err
	}
	if !f.yes {
		if err := a.confirmBreak(ctx, l, why); err != nil {
			return err
		}
	}
	f.req.ID, f.req.NewID, f.req.WaitS = l.ID, lockfile.NewID(), waitSeconds(f.wait)
	reply, err := a.breakLock(ctx, f.req, why)
	if err != nil {
		return a.interrupted("break lock "+l.ID, err)
	}
	if err := a.answer(reply, func() { a.writeLocked(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// confirmBreak shows whose lock it is, and signs of life, and has the target typed.
func (a *app) confirmBreak(ctx context.Context, l api.Lock, why error) error {
	if a.json() {
		return usage("nobody can be asked with -o json: say --yes")
	}
	a.note("This takes over the lock of %s, who may still be at work:", clean(ownerWithTTY(l)))
	a.note("  %s", a.lockLine(l))
	a.tellLife(a.lifeOf(ctx, l, why))
	switch typed := a.prompt("Type " + l.Target + " to break it: "); typed {
	case l.Target:
		return nil
	case "":
		return usage("nothing was typed, the lock stands; where nobody can be asked, say --yes")
	default:
		return api.Errorf(api.CodeFailed, "cannot break lock %s: %q was typed, not %q; the lock stands", l.ID, typed, l.Target)
	}
}

func (a *app) breakLock(ctx context.Context, req api.MaintenanceBreak, why error) (api.MaintenanceReply, error) {
	return either(a, why, "break lock "+req.ID,
		func(c *api.Client, show api.Progress) (api.MaintenanceReply, error) {
			return c.MaintenanceBreak(ctx, req, show)
		},
		func(d *direct, show api.Progress) (api.MaintenanceReply, error) { return d.breakLock(ctx, req, show) })
}

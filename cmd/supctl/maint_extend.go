package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// extendFlags are what `maintenance extend` was told.
type extendFlags struct {
	targets
	till duration
	mine bool
}

// maintExtendCommand declares `maintenance extend`.
func (a *app) maintExtendCommand() *cobra.Command {
	var f extendFlags
	cmd := &cobra.Command{
		Use: "extend TARGET… --for DURATION", Short: "Move the expected end of your own lock",
		Long:    "Move the expected end of your own lock: DURATION from now. Nothing but words\nhangs on it; a lock that is overdue goes on holding. One of an earlier session of\nyours, which is gone (abandoned), is this session's from then on.",
		Example: "  supctl maintenance extend db --for 1h",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.maintExtend(cmd.Context(), &f, args) },
	}
	f.on(a, cmd)
	cmd.Flags().Var(&f.till, "for", "how long, from now")
	cmd.Flags().BoolVar(&f.mine, "mine", false, "all of your own, also those of your other sessions")
	return cmd
}

// maintExtend moves the end of the locks that `end` would mean, see ownLocks.
func (a *app) maintExtend(ctx context.Context, f *extendFlags, args []string) error {
	names, err := f.of(args, !f.mine)
	if err != nil {
		return err
	}
	if f.till <= 0 {
		return usage("no duration: say how long from now, as in --for 1h")
	}
	listed, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return err
	}
	req := api.MaintenanceExtend{ForS: f.till.seconds()}
	if req.IDs, err = a.ownLocks(ctx, "extend", listed, names, f.mine); err != nil {
		return err
	}
	if err := api.Valid(&req); err != nil {
		return err
	}
	reply, err := a.extendLocks(ctx, req, why)
	if err != nil {
		return a.interrupted("extend the lock", err)
	}
	if err := a.answer(reply, func() {
		for _, l := range reply.Locks {
			a.say("EXTENDED %s", a.lockLine(l))
		}
	}); err != nil {
		return err
	}
	return code(reply.Code)
}

func (a *app) extendLocks(ctx context.Context, req api.MaintenanceExtend, why error) (api.MaintenanceReply, error) {
	return either(a, why, "extend the lock",
		func(c *api.Client, _ api.Progress) (api.MaintenanceReply, error) {
			return c.MaintenanceExtend(ctx, req)
		},
		func(d *direct, _ api.Progress) (api.MaintenanceReply, error) { return d.extend(ctx, req) })
}

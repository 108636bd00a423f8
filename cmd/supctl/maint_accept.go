package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

const maintAcceptLong = `Change of shift, second half: take over the lock that a colleague offered you with
maintenance transfer. From then on it is yours: you work, and you end it. Reason,
ticket and expected end stay. There is no moment in which the target is free, and
nothing is started or stopped.`

const maintAcceptExample = `  supctl maintenance accept db
  supctl maintenance accept --offered`

// acceptFlags are what `maintenance accept` was told.
type acceptFlags struct {
	targets
	offered bool
	wait    duration
}

// maintAcceptCommand declares `maintenance accept`.
func (a *app) maintAcceptCommand() *cobra.Command {
	f := acceptFlags{wait: duration(lockfile.LockWait)}
	cmd := &cobra.Command{
		Use: "accept TARGET…", Short: "Take over a lock that somebody offered you", Long: maintAcceptLong, Example: maintAcceptExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.maintAccept(cmd.Context(), &f, args) },
	}
	f.on(a, cmd)
	cmd.Flags().BoolVar(&f.offered, "offered", false, "all that are offered to you")
	cmd.Flags().Var(&f.wait, "wait", "how long to wait for what is in flight")
	return cmd
}

// maintAccept takes over by id: an offer that is withdrawn and made again of another lock is another one.
func (a *app) maintAccept(ctx context.Context, f *acceptFlags, args []string) error {
	names, err := f.of(args, !f.offered)
	if err != nil {
		return err
	}
	listed, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return err
	}
	req := api.MaintenanceAccept{WaitS: waitSeconds(f.wait)}
	for _, l := range listed.Locks {
		if l.ForMe && (f.offered || slices.Contains(names, l.Target)) {
			req.Locks = append(req.Locks, api.Takeover{ID: l.ID, NewID: lockfile.NewID()})
			names = slices.DeleteFunc(names, func(n string) bool { return n == l.Target })
		}
	}
	for _, n := range names {
		return a.orUnknown(ctx, notOffered(n, listed), n)
	}
	if len(req.Locks) == 0 {
		return api.Errorf(api.CodeNotFound, "cannot accept: no lock is offered to you").WithNext("supctl maintenance list")
	}
	reply, err := a.acceptLocks(ctx, req, why)
	if err != nil {
		return a.interrupted("accept the lock", err)
	}
	if err := a.answer(reply, func() { a.writeLocked(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// notOffered says why a target has nothing to accept: who could offer it, or whose offer it is.
func notOffered(target string, listed api.LocksReply) error {
	on := slices.DeleteFunc(slices.Clone(listed.Locks), func(l api.Lock) bool { return l.Target != target })
	others := slices.DeleteFunc(slices.Clone(on), func(l api.Lock) bool { return l.Mine })
	switch {
	case len(on) == 0:
		if err := inDoubt("accept the lock on "+target, badOn(listed.Unreadable, target)); err != nil {
			return err
		}
		return api.Errorf(api.CodeNotFound, "cannot accept the lock on %s: there is none", target).WithNext("supctl maintenance list")
	case len(others) == 0:
		return api.Errorf(api.CodeNotFound, "cannot accept the lock on %s: it is yours already", target).WithNext("supctl maintenance list " + target)
	case others[0].Offer != nil:
		return api.Errorf(api.CodeHeld, "cannot accept the lock on %s: %s offers it to %s", target, others[0].Owner, others[0].Offer.To).
			WithNext("ask " + others[0].Owner + " to offer it to you")
	}
	return api.Errorf(api.CodeHeld, "cannot accept the lock on %s: it belongs to %s, who offers it to nobody", target, owners(others)).
		WithNext("ask them for: supctl maintenance transfer " + target + " --to USER")
}

func (a *app) acceptLocks(ctx context.Context, req api.MaintenanceAccept, why error) (api.MaintenanceReply, error) {
	return either(a, why, "accept the lock",
		func(c *api.Client, show api.Progress) (api.MaintenanceReply, error) {
			return c.MaintenanceAccept(ctx, req, show)
		},
		func(d *direct, show api.Progress) (api.MaintenanceReply, error) { return d.accept(ctx, req, show) })
}

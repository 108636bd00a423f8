package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const maintTransferLong = `Change of shift, first half: offer your own lock to a colleague. USER is a login
name of this host, or a uid. They are told, on their terminal and by their next
supctl command, and take it over with maintenance accept.

The lock is yours until they do, and holds throughout: if nobody accepts, nothing
has changed. Offering it to somebody else, or --withdraw, ends an earlier offer.`

const maintTransferExample = `  supctl maintenance transfer db --to ben
  supctl maintenance transfer db web --to ben -m "index is at 60 %, see OPS-214"
  supctl maintenance transfer --mine --to ben
  supctl maintenance transfer db --withdraw`

// transferFlags are what `maintenance transfer` was told.
type transferFlags struct {
	targets
	req  api.MaintenanceTransfer
	mine bool
}

// maintTransferCommand declares `maintenance transfer`.
func (a *app) maintTransferCommand() *cobra.Command {
	var f transferFlags
	cmd := &cobra.Command{
		Use: "transfer TARGET… --to USER", Short: "Offer your own lock to somebody, at a change of shift", Long: maintTransferLong, Example: maintTransferExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.maintTransfer(cmd.Context(), &f, args) },
	}
	f.on(a, cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.req.To, "to", "", "`USER` who may accept it")
	fl.StringVarP(&f.req.Note, "note", "m", "", "what they should know")
	fl.BoolVar(&f.req.Withdraw, "withdraw", false, "offer it to nobody any more")
	fl.BoolVar(&f.mine, "mine", false, "all of your own, also those of your other sessions")
	return cmd
}

// maintTransfer offers the locks that `end` would mean, see ownLocks.
func (a *app) maintTransfer(ctx context.Context, f *transferFlags, args []string) error {
	names, err := f.of(args, !f.mine)
	if err != nil {
		return err
	}
	switch {
	case f.req.Withdraw && f.req.To != "":
		return usage("--to and --withdraw contradict each other")
	case !f.req.Withdraw && f.req.To == "":
		return usage("to whom? say --to USER, or --withdraw")
	}
	listed, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return err
	}
	own, err := a.ownLocks(ctx, "transfer", listed, names, f.mine)
	if err != nil {
		return err
	}
	for _, l := range locksOf(listed, own) {
		if f.req.Withdraw && l.Offer == nil {
			return api.Errorf(api.CodeNotFound, "cannot withdraw: the lock on %s is offered to nobody", l.Target).WithNext("supctl maintenance list")
		}
		f.req.Locks = append(f.req.Locks, api.SeenLock{ID: l.ID, Offers: l.Offers})
	}
	reply, err := a.transferLocks(ctx, f.req, why)
	if err != nil {
		return a.interrupted("offer the lock", err)
	}
	if err := a.answer(reply, func() { a.writeOffered(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// locksOf are the listed locks with these ids, in the order of the ids.
func locksOf(listed api.LocksReply, ids []string) []api.Lock {
	var found []api.Lock
	for _, id := range ids {
		for _, l := range listed.Locks {
			if l.ID == id {
				found = append(found, l)
			}
		}
	}
	return found
}

func (a *app) transferLocks(ctx context.Context, req api.MaintenanceTransfer, why error) (api.MaintenanceReply, error) {
	return either(a, why, "offer the lock",
		func(c *api.Client, _ api.Progress) (api.MaintenanceReply, error) {
			return c.MaintenanceTransfer(ctx, req)
		},
		func(d *direct, _ api.Progress) (api.MaintenanceReply, error) { return d.transfer(ctx, req) })
}

func (a *app) writeOffered(r api.MaintenanceReply) {
	for _, l := range r.Locks {
		if l.Offer == nil {
			a.say("WITHDRAWN %s", a.lockLine(l))
			a.hint("  it is yours, and offered to nobody")
			continue
		}
		a.say("OFFERED %s", a.lockLine(l))
		a.hint("  it is yours until %s accepts it: supctl maintenance accept %s", offeredTo(l), clean(l.Target))
	}
	for _, n := range r.Notes {
		a.note("  %s", clean(n))
	}
}

// offeredTo is whom a lock is offered to.
func offeredTo(l api.Lock) string {
	if l.ForMe {
		return "you"
	}
	return clean(l.Offer.To)
}

// offerText says of an offer what there is to say, "" for none.
func (a *app) offerText(l api.Lock) string {
	if l.Offer == nil {
		return ""
	}
	return strings.Join(notEmpty("to "+offeredTo(l), "by "+l.Offer.By, a.clock(l.Offer.At), l.Offer.Note), ", ")
}

package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// maintListCommand declares `maintenance list`. Naming a target shows also what
// covers it as part of a group or of the host.
func (a *app) maintListCommand() *cobra.Command {
	var t targets
	cmd := &cobra.Command{
		Use: "list [TARGET…]", Short: "All locks", Example: "  supctl maintenance list\n  supctl maintenance list db -o json",
		Long: "All locks with their owners, reasons and ages. Exit code 8 if a file of locks or\nholds, or the plan, cannot be read: what it covers counts as locked.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, false)
			if err != nil {
				return err
			}
			text, r, why, err := a.listed(cmd.Context(), names)
			if err == nil && text == nil && len(r.Locks)+len(r.Unreadable) == 0 {
				err = a.orUnknown(cmd.Context(), nil, names...)
			}
			if err != nil {
				return err
			}
			if text != nil {
				_, err := a.out.Write(cleanJSON(text))
				return err
			}
			if why != nil {
				a.hint("%s; read from the lock files", clean(why.Error()))
			}
			if r.Locks == nil {
				r.Locks = []api.Lock{}
			}
			if err := a.answer(r, func() { a.writeLocks(r) }); err != nil {
				return err
			}
			if len(r.Unreadable) > 0 {
				return code(api.CodeUnknown)
			}
			return nil
		},
	}
	t.on(a, cmd)
	return cmd
}

// listed is listLocks. With -o json text is the daemon's own answer, if it names nothing that cannot be read: of ten thousand locks,
// to read them and write them again takes longer than all else.
func (a *app) listed(ctx context.Context, targets []string) (text []byte, r api.LocksReply, why, err error) {
	ask := (*api.Client).Locks
	if a.json() {
		ask = func(c *api.Client, ctx context.Context, targets []string) (r api.LocksReply, err error) {
			all, err := c.LocksText(ctx, targets)
			switch {
			case err != nil:
			case api.AllReadable(all):
				text = all
			default:
				err = json.Unmarshal(all, &r)
			}
			return r, err
		}
	}
	r, why, err = a.locksBy(ctx, targets, ask)
	return text, r, why, err
}

// writeLocks writes a table, and below it what could not be read: it counts as
// locked, so it belongs to the answer.
func (a *app) writeLocks(r api.LocksReply) {
	if len(r.Locks)+len(r.Unreadable) == 0 {
		a.say("no locks")
	}
	t := table{head: []string{"ID", "TARGET", "OWNER", "SINCE", "AGE", "UNTIL", "TICKET", "STATE", "REASON"}, colour: a.colour()}
	for _, l := range r.Locks {
		t.addCells(cell{l.ID, bold}, cell{text: l.Target}, cell{text: ownerWithTTY(l)}, cell{text: a.clock(l.Since)}, cell{text: a.since(l.Since)},
			cell{text: a.maybeClock(l.Until)}, cell{text: l.Ticket}, lockState(l), cell{text: brief(l.Reason)})
	}
	t.write(a.out)
	for _, l := range r.Locks {
		for _, n := range l.NotReady {
			a.say("%s (%s) to fix: %s", clean(l.Target), clean(l.ID), clean(n))
		}
	}
	for _, b := range r.Unreadable {
		a.say("%s", painted(cell{"! " + clean(countsAsLocked(b)), red}, t.colour))
	}
}

// ownerWithTTY says where to find the owner, too, and that everybody with that uid is the same owner where the kernel knows no login.
func ownerWithTTY(l api.Lock) string {
	noLogin := ""
	if l.LoginUID == nil && l.Owner != "" { // a damaged lock has no owner
		noLogin = "(no login)"
	}
	return strings.Join(notEmpty(l.Owner, noLogin, l.TTY), " ")
}

// lockState is what is out of the ordinary about a lock.
func lockState(l api.Lock) cell {
	p := plain
	var words []string
	for _, w := range [...]struct {
		is    bool
		word  string
		paint paint
	}{
		{len(l.StartedUnderLock) > 0, "started under lock", red}, {l.Overdue, "overdue", red}, {!l.Ready, "not ready", yellow}, {l.Abandoned, "abandoned", yellow},
		{l.Orphaned, "orphaned", yellow}, {l.Stopped, "meant down", plain}, {l.Mine, "mine", plain},
	} {
		if w.is {
			words = append(words, w.word)
			if p == plain {
				p = w.paint
			}
		}
	}
	if l.Offer != nil {
		words = append(words, "offered to "+offeredTo(l))
		if l.ForMe {
			p = yellow
		}
	}
	return cell{strings.Join(words, ", "), p}
}

// lockIDs offers ids for completion.
func (a *app) completeLockIDs(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, directive
	}
	r, _, err := a.listLocks(cmd.Context(), nil)
	if err != nil {
		return nil, directive
	}
	var ids []string
	for _, l := range r.Locks {
		if strings.HasPrefix(l.ID, typed) {
			ids = append(ids, l.ID+"\t"+clean(l.Target+" "+l.Owner))
		}
	}
	slices.Sort(ids)
	return ids, directive
}

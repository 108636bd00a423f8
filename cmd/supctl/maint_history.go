package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
)

const maintHistoryLong = `Locks that are over, oldest end first: who held what, since when, for how long and
why, and how it ended: end (after the try-out), force (without), break, transfer.
Naming a target shows also what covered it. Works without the daemon.`

// maintHistoryCommand declares `maintenance history`.
func (a *app) maintHistoryCommand() *cobra.Command {
	var t targets
	since := moment{now: a.now}
	cmd := &cobra.Command{
		Use: "history [TARGET…]", Short: "Locks that are over, and how they ended", Long: maintHistoryLong,
		Example: "  supctl maintenance history db\n  supctl maintenance history --since 7d -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, false)
			if err != nil {
				return err
			}
			r, err := a.history(cmd.Context(), names, since.Time)
			if err != nil {
				return err
			}
			if len(r.Locks) == 0 {
				if err := a.orUnknown(cmd.Context(), nil, names...); err != nil {
					return err
				}
			}
			return a.answer(r, func() { a.writeHistory(r) })
		},
	}
	t.on(a, cmd)
	cmd.Flags().Var(&since, "since", "what ended since a duration ago, or a date")
	return cmd
}

// history asks the daemon, and else reads tombstones and database itself. No database is no obstacle: the tombstones of the last
// days are there.
func (a *app) history(ctx context.Context, names []string, since time.Time) (r api.HistoryReply, err error) {
	c, err := a.client()
	if err == nil {
		r, err = c.History(ctx, names, since)
	}
	if err == nil || !api.IsUnreachable(err) {
		return r, err
	}
	d, openErr := a.openState()
	if openErr != nil {
		return r, directFailed("show history", err, openErr)
	}
	ended, bad := d.Ended()
	r.Notes = []string{}
	for _, u := range bad {
		r.Notes = append(r.Notes, "cannot read "+u.Path+": "+u.Err.Error())
	}
	var events []journal.Event
	if err := a.fromJournal(err, func(j *journal.Reader) (err error) {
		events, err = j.Events(ctx, journal.Query{Type: "maintenance.", Since: since, Limit: -1})
		return err
	}); err != nil {
		r.Notes = append(r.Notes, "only what is younger than the tombstones are kept: "+err.Error())
	}
	r.Locks = api.History(ended, events, names, since)
	return r, nil
}

func (a *app) writeHistory(r api.HistoryReply) {
	if len(r.Locks) == 0 {
		a.say("no locks that are over")
	}
	t := table{head: []string{"TARGET", "OWNER", "SINCE", "ENDED", "HELD", "HOW", "BY", "TICKET", "REASON"}, colour: a.colour()}
	for _, p := range r.Locks {
		since, held := "", ""
		if !p.Since.IsZero() {
			since, held = p.Since.Local().Format(time.DateTime), time.Duration(p.DurationS*float64(time.Second)).Round(time.Second).String()
		}
		how := cell{text: p.How}
		if p.How == "break" || p.How == "force" {
			how.paint = yellow
		}
		reason := p.Reason
		if p.Note != "" {
			reason += " (" + p.How + ": " + p.Note + ")"
		}
		t.addCells(cell{text: p.Target}, cell{text: p.Owner}, cell{text: since}, cell{text: p.Ended.Local().Format(time.DateTime)},
			cell{text: held}, how, cell{text: p.By}, cell{text: p.Ticket}, cell{text: reason})
	}
	t.write(a.out)
	for _, n := range r.Notes {
		a.note("%s", clean(n))
	}
}

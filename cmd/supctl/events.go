package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
)

const eventsLong = `The record of what happened: crashes, restarts, stops, locks, suppressed actions,
checks. Without the daemon it is read from the state directory.`

// eventsCommand declares `events`. With --since and no -n there is no bound on the
// number: who asks for a time wants all of it.
func (a *app) eventsCommand() *cobra.Command {
	since := moment{now: a.now}
	var q journal.Query
	var follow bool
	n := count(linesDefault)
	cmd := &cobra.Command{
		Use: "events [SERVICE]", Short: "The record of what happened", Long: eventsLong, Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeService,
		Example: "  supctl events\n  supctl events -f db\n  supctl events --since 2d --type service.crashed\n  supctl events --type maintenance.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if q.Service != "" && q.Service != args[0] {
					return usage("two services: %s and %s", q.Service, args[0])
				}
				q.Service = args[0]
			}
			q.Since, q.Limit = since.Time, int(n)
			// Who asks for a time wants all of it.
			if !since.IsZero() && !cmd.Flags().Changed("lines") {
				q.Limit = -1
			}
			if follow {
				return a.ask("follow events", func(c *api.Client) error {
					return c.FollowEvents(cmd.Context(), q, a.showEvent)
				})
			}
			return a.events(cmd.Context(), q)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until interrupted")
	cmd.Flags().VarP(&n, "lines", "n", "the newest `N`")
	cmd.Flags().Var(&since, "since", "what is newer than a duration ago, or a date")
	cmd.Flags().StringVar(&q.Service, "service", "", "the same as the argument `SERVICE`")
	cmd.Flags().StringVar(&q.Type, "type", "", "of one `TYPE`; a final dot means all below it")
	if err := cmd.RegisterFlagCompletionFunc("service", a.completeService); err != nil {
		panic(err) // the flag was declared above
	}
	return cmd
}

// events asks the daemon and else reads the database. Following needs the daemon:
// nobody else knows what comes next.
func (a *app) events(ctx context.Context, q journal.Query) error {
	events := []journal.Event{}
	err := a.ask("show events", func(c *api.Client) error {
		found, err := c.Events(ctx, q)
		events = append(events, found...)
		return err
	})
	if api.CodeOf(err) == api.CodeUnreachable {
		err = a.fromJournal(err, func(j *journal.Reader) error {
			found, err := j.Events(ctx, q)
			events = append(events, found...)
			return err
		})
	}
	if err != nil {
		return err
	}
	return a.answer(api.EventsReply{Events: events}, func() {
		if len(events) == 0 && q.Service != "" { // one that has gone has a record too, so no name is wrong
			a.hint("nothing is recorded of %s", clean(q.Service))
		}
		for _, e := range events {
			a.writeEvent(e)
		}
	})
}

// showEvent shows one of a followed record.
func (a *app) showEvent(e journal.Event) error {
	if a.json() {
		return a.writeJSON(a.out, e)
	}
	a.writeEvent(e)
	return nil
}

// writeEvent writes one line. It carries the date too: records are read days
// later, and lines are pasted into reports.
func (a *app) writeEvent(e journal.Event) {
	service := e.Service
	if service == "" {
		service = "-"
	}
	p := plain
	switch e.Severity {
	case journal.Warning:
		p = yellow
	case journal.Error:
		p = red
	}
	kind := painted(cell{clean(e.Type), p}, a.colour())
	a.say("%s  %s  %s  %s", e.Time.Local().Format("2006-01-02 15:04:05"), clean(service), kind, clean(e.Text))
}

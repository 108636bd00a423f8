package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// linesDefault is how many lines logs and events show unless told otherwise.
const linesDefault = 100

// logsCommand declares `logs`; -n and --since as events has them.
func (a *app) logsCommand() *cobra.Command {
	since := moment{now: a.now}
	var follow bool
	n := count(linesDefault)
	cmd := &cobra.Command{
		Use: "logs SERVICE", Short: "A service's output", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeService,
		Long:    "What a service wrote, from its file or from the journal.",
		Example: "  supctl logs web\n  supctl logs web -f\n  supctl logs web --since 10m -n 1000",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := api.LogQuery{Service: args[0], Lines: int(n), Since: since.Time}
			if !since.IsZero() && !cmd.Flags().Changed("lines") {
				q.Lines = -1
			}
			return a.logs(cmd.Context(), q, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until interrupted")
	cmd.Flags().VarP(&n, "lines", "n", "the newest `N` lines")
	cmd.Flags().Var(&since, "since", "what is newer than a duration ago, or a date")
	return cmd
}

// logs shows what there is or follows. It needs the daemon: where the output goes
// is in the config, and who may read it is a matter of roles.
func (a *app) logs(ctx context.Context, q api.LogQuery, follow bool) error {
	return a.ask("show the output of "+q.Service, func(c *api.Client) error {
		if follow {
			return c.FollowLogs(ctx, q, a.writeLogLine)
		}
		r, err := c.Logs(ctx, q)
		if err != nil {
			return err
		}
		if a.json() {
			return a.writeJSON(a.out, r)
		}
		for _, l := range r.Lines {
			if err := a.writeLogLine(l); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeLogLine shows a line as it was written, but for what would act on the
// terminal. The time stands in front where the source has one.
func (a *app) writeLogLine(l api.LogLine) error {
	if a.json() {
		return a.writeJSON(a.out, l)
	}
	// A file's lines have the time that the service wrote, or none.
	if l.Time == nil {
		a.say("%s", cleanText(l.Text))
		return nil
	}
	a.say("%s %s", l.Time.Local().Format("2006-01-02 15:04:05"), cleanText(l.Text))
	return nil
}

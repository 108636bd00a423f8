package main

import (
	"context"
	"strings"

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
		Use: "logs SERVICE...", Short: "What services write", Args: between(1, 0, "service", "supctl status lists them"), ValidArgsFunction: a.completeTargets,
		Long: "What services wrote, from their files (rotated ones too) or from the journal. Several\n" +
			"are shown in the order of time, each line behind the name of its service. --since on a\nfile goes by the times at the beginning of its lines. Without the daemon, files are read where\nthe config says that they are.",
		Example: "  supctl logs web\n  supctl logs web db -f\n  supctl logs @frontend -n 50\n  supctl logs web --since 10m -n 1000",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := api.LogQuery{Lines: int(n), Since: since.Time}
			if !since.IsZero() && !cmd.Flags().Changed("lines") {
				q.Lines = -1
			}
			return a.logs(cmd.Context(), args, q, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until interrupted")
	cmd.Flags().VarP(&n, "lines", "n", "the newest `N` lines")
	cmd.Flags().Var(&since, "since", "what is newer than a duration ago, or a date")
	return cmd
}

// logSource is who has the output of services: the daemon, or without it the files.
type logSource interface {
	Logs(ctx context.Context, q api.LogQuery) (api.LogsReply, error)
	FollowLogs(ctx context.Context, q api.LogQuery, each func(api.LogLine) error) error
}

// logs asks the daemon, and where it cannot be asked reads the files, as far as their permissions let.
func (a *app) logs(ctx context.Context, args []string, q api.LogQuery, follow bool) error {
	doing := "show the output of " + strings.Join(args, ", ")
	answered := false
	err := a.ask(doing, func(c *api.Client) error {
		names, err := a.logServices(ctx, c, args)
		if err != nil {
			return err
		}
		answered = true
		return a.showLogs(ctx, c, names, q, follow)
	})
	// A daemon that dies while it is followed has shown its lines already.
	if answered || !api.IsUnreachable(err) {
		return err
	}
	return a.logsOfFiles(ctx, doing, err, args, q, follow)
}

// showLogs shows what src has of the services, and follows it.
func (a *app) showLogs(ctx context.Context, src logSource, names []string, q api.LogQuery, follow bool) error {
	switch {
	case len(names) > 1 && follow:
		return a.followMany(ctx, src, names, q)
	case len(names) != 1:
		return a.logsOfMany(ctx, src, names, q)
	}
	q.Service = names[0]
	if follow {
		return src.FollowLogs(ctx, q, a.writeLogLine)
	}
	r, err := src.Logs(ctx, q)
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

package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
)

// journalFile is the journal's database in the state directory.
const journalFile = "journal.db"

// checkHistoryCommand declares `check history`, one of the two commands that read
// the journal's database when no daemon has it.
func (a *app) checkHistoryCommand() *cobra.Command {
	var n count
	cmd := &cobra.Command{
		Use: "history SERVICE/CHECK", Short: "Earlier results of a check", Args: oneCheck(), ValidArgsFunction: a.completeChecks,
		Long:    "Earlier results of a check, oldest first. Works without the daemon too.",
		Example: "  supctl check history db/query -n 20",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.checkHistory(cmd.Context(), args, int(n))
			if err != nil {
				return err
			}
			return a.answer(r, func() {
				t := table{head: []string{"TIME", "STATE", "TOOK", "VALUE", "DETAIL"}, colour: a.colour()}
				for _, c := range r.Results {
					t.addCells(cell{text: a.clock(c.Time)}, checkStateCell(api.CheckStatus{State: c.State}), cell{text: c.Duration.String()}, cell{text: c.Value}, cell{text: c.Detail})
				}
				t.write(a.out)
			})
		},
	}
	cmd.Flags().VarP(&n, "lines", "n", "the newest `N` (default: all that is kept)")
	return cmd
}

// checkHistory asks the daemon and else reads the database. n <= 0 is all that is
// kept. Errors: the daemon's; CodeUnreachable when neither could be asked.
func (a *app) checkHistory(ctx context.Context, args []string, n int) (r api.CheckHistoryReply, err error) {
	service, check := checkName(args)
	err = a.ask("show the history of "+strings.Join(args, "/"), func(c *api.Client) (err error) {
		r, err = c.CheckHistory(ctx, service, check, n)
		return err
	})
	if api.CodeOf(err) != api.CodeUnreachable {
		return r, err
	}
	r = api.CheckHistoryReply{Service: service, Check: check, Results: []journal.CheckResult{}}
	return r, a.fromJournal(err, func(j *journal.Reader) error {
		results, err := j.CheckHistory(service, check, n)
		r.Results = append(r.Results, results...)
		return err
	})
}

// fromJournal reads the database for a moment, when no daemon has it. why is
// what kept the daemon from answering.
func (a *app) fromJournal(why error, read func(*journal.Reader) error) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	j, err := journal.OpenReader(filepath.Join(dir, journalFile))
	if err != nil {
		e := &api.Error{}
		if !errors.As(why, &e) {
			return why
		}
		return api.Errorf(e.Code, "%s; and without it: %v", e.Message, err).WithNext(e.Next)
	}
	defer j.Close()
	a.hint("%s; read from %s", clean(why.Error()), clean(filepath.Join(dir, journalFile)))
	return read(j)
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const checkExample = `  supctl check list
  supctl check list db
  supctl check run db/query
  supctl check history db/query -n 20`

func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Checks and their values", Example: checkExample, RunE: missing, Args: noSuchCommand,
		Long: "Checks and their values. A check is named SERVICE/CHECK, or CHECK if it belongs to\nno service.",
	}
	cmd.AddCommand(a.checkListCommand(), a.checkRunCommand(), a.checkShowCommand(), a.checkHistoryCommand())
	return cmd
}

func (a *app) checkListCommand() *cobra.Command {
	var t targets
	cmd := &cobra.Command{
		Use: "list [TARGET…]", Short: "All checks with their last results", Example: "  supctl check list\n  supctl check list db",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, false)
			if err != nil {
				return err
			}
			return a.ask("list checks", func(c *api.Client) error {
				r, err := c.Checks(cmd.Context(), names)
				if err != nil {
					return err
				}
				return a.answer(r, func() {
					if len(r.Checks) == 0 {
						a.say("no checks")
					}
					a.writeChecks(r.Checks)
				})
			})
		},
	}
	t.on(a, cmd)
	return cmd
}

func (a *app) checkRunCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run SERVICE/CHECK", Short: "Run a check now", Args: cobra.RangeArgs(1, 2), ValidArgsFunction: a.completeChecks,
		Long:    "Run a check now and show its result. Exit code 1 if it fails, 8 if it could not\ntell. Its result counts like any other's.",
		Example: "  supctl check run db/query\n  supctl check run rootfs",
		RunE: func(cmd *cobra.Command, args []string) error {
			service, check := checkName(args)
			var r api.CheckStatus
			err := a.ask("run check "+strings.Join(args, "/"), func(c *api.Client) error {
				return a.watched(func(show api.Progress) (err error) {
					r, err = c.RunCheck(cmd.Context(), service, check, show)
					return err
				})
			})
			if err != nil {
				return err
			}
			if err := a.answer(r, func() { a.writeCheck(r) }); err != nil {
				return err
			}
			return code(checkCode(r.State))
		},
	}
}

// checkCode is the exit code of a check's state.
func checkCode(state string) int {
	switch state {
	case "ok":
		return api.CodeDone
	case "failing":
		return api.CodeFailed
	}
	return api.CodeUnknown
}

func (a *app) checkShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show SERVICE/CHECK", Short: "Everything about one check", Args: cobra.RangeArgs(1, 2), ValidArgsFunction: a.completeChecks,
		Example: "  supctl check show db/query",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.oneCheck(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.answer(r, func() { a.writeCheck(r) })
		},
	}
}

// oneCheck finds a check among all: the API has no route for a single one.
func (a *app) oneCheck(ctx context.Context, args []string) (found api.CheckStatus, err error) {
	service, check := checkName(args)
	err = a.ask("show check "+strings.Join(args, "/"), func(c *api.Client) error {
		var targets []string
		if service != "" {
			targets = []string{service}
		}
		r, err := c.Checks(ctx, targets)
		if err != nil {
			return err
		}
		for _, found = range r.Checks {
			if found.Service == service && found.Name == check {
				return nil
			}
		}
		return api.Errorf(api.CodeNotFound, "cannot show check %q: there is none of that name", strings.Join(args, "/")).WithNext("supctl check list")
	})
	return found, err
}

// checkName reads SERVICE/CHECK, SERVICE CHECK, or CHECK, which is one that
// belongs to no service.
func checkName(args []string) (service, check string) {
	if len(args) == 2 {
		return args[0], args[1]
	}
	if s, c, ok := strings.Cut(args[0], "/"); ok {
		return s, c
	}
	return "", args[0]
}

func checkLabel(c api.CheckStatus) string {
	if c.Service == "" {
		return c.Name
	}
	return c.Service + "/" + c.Name
}

func (a *app) writeChecks(cs []api.CheckStatus) {
	t := table{head: []string{"CHECK", "TYPE", "STATE", "SINCE", "VALUE", "DETAIL"}, colour: a.colour()}
	for _, c := range cs {
		t.addCells(cell{checkLabel(c), bold}, cell{text: c.Type}, checkStateCell(c), cell{text: a.maybeClock(c.Since)}, cell{text: c.Value}, cell{text: c.Detail})
	}
	t.write(a.out)
}

func checkStateCell(c api.CheckStatus) cell {
	text, p := c.State, yellow
	switch c.State {
	case "ok":
		p = green
	case "failing":
		p = red
	}
	if c.Paused {
		text += ", paused"
	}
	return cell{text, p}
}

func (a *app) writeCheck(c api.CheckStatus) {
	failures := ""
	if c.Failures > 0 {
		failures = fmt.Sprintf("%d in a row", c.Failures)
	}
	a.facts(fact{"check", checkLabel(c)}, fact{"type", c.Type}, fact{"state", checkStateCell(c).text}, fact{"since", a.maybeClock(c.Since)},
		fact{"detail", c.Detail}, fact{"value", c.Value}, fact{"took", time.Duration(c.DurationS * float64(time.Second)).Round(time.Microsecond).String()},
		fact{"last run", a.maybeClock(c.Last)}, fact{"next run", a.maybeClock(c.Next)}, fact{"failures", failures}, fact{"on fail", c.OnFail},
		fact{"interlocks", strings.Join(c.Interlocks, " ")})
}

func (a *app) maybeClock(t *time.Time) string {
	if t == nil {
		return ""
	}
	return a.clock(*t)
}

// completeChecks offers the daemon's checks.
func (a *app) completeChecks(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	c, err := a.client()
	if err != nil || len(args) > 0 {
		return nil, directive
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
	defer cancel()
	r, err := c.Checks(ctx, nil)
	if err != nil {
		return nil, directive
	}
	var names []string
	for _, s := range r.Checks {
		if n := checkLabel(s); strings.HasPrefix(n, typed) {
			names = append(names, n)
		}
	}
	return names, directive
}

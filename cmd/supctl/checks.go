package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
)

const checkExample = `  supctl check list
  supctl check list db
  supctl check run db/query
  supctl check history db/query -n 20`

// checkCommand declares the family `check`.
func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Checks and their values", Example: checkExample, RunE: missing, Args: noSuchCommand,
		Long: "Checks and their values. A check is named SERVICE/CHECK, or CHECK if it belongs to\nno service.",
	}
	cmd.AddCommand(a.checkListCommand(), a.checkRunCommand(), a.checkShowCommand(), a.checkHistoryCommand())
	return cmd
}

// checkListCommand declares `check list`. Failing checks do not change its exit
// code: that is what status is for.
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

// checkRunCommand declares `check run`, whose exit code is the result (checkCode),
// so that a script can use a check that supd knows as a test of its own.
func (a *app) checkRunCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run SERVICE/CHECK", Short: "Run a check now", Args: oneCheck(), ValidArgsFunction: a.completeChecks,
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

// checkShowCommand declares `check show`.
func (a *app) checkShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show SERVICE/CHECK", Short: "Everything about one check", Args: oneCheck(), ValidArgsFunction: a.completeChecks,
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
		// found stays at the one that matches: it is the result.
		for _, found = range r.Checks {
			if found.Service == service && found.Name == check {
				return nil
			}
		}
		return noSuchCheck(strings.Join(args, "/"), r.Checks)
	})
	return found, err
}

// noSuchCheck names the one of the known checks that is most likely meant.
func noSuchCheck(name string, known []api.CheckStatus) error {
	labels := make([]string, len(known))
	for i, c := range known {
		labels[i] = checkLabel(c)
	}
	e := api.Errorf(api.CodeNotFound, "cannot show check %q: there is none of that name", name)
	if near := configs.Nearest(name, labels); near != "" {
		return e.WithNext(fmt.Sprintf("did you mean %q?", near))
	}
	return e.WithNext("supctl check list")
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

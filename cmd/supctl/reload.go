package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const reloadLong = `Without TARGET: read the config again. What needs no stop is in force at once. A
service whose change needs a restart is "change pending", one that vanished is
"orphaned"; both run on as they were until their next restart, or --apply, which
shows the difference first. A locked service is never touched, whoever holds the
lock: --apply does the rest and then exits with 4.

With TARGET: the service's own reload (on_reload in its config).`

// reloadCommand declares both meanings of reload: with a target it is the
// service's, without one the config's. --apply goes with the config only, so that a
// target forgotten or typed by mistake restarts nothing.
func (a *app) reloadCommand() *cobra.Command {
	var f actFlags
	var apply bool
	f.action.Verb = "reload"
	cmd := &cobra.Command{
		Use: "reload [--apply] | reload TARGET…", Short: "Read the config again, or reload a service", Long: reloadLong,
		Example: "  supctl config diff\n  supctl reload\n  supctl reload --apply\n  supctl reload web",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !f.all {
				return a.reloadConfig(cmd.Context(), apply)
			}
			if apply {
				return usage("--apply is for the config; it takes no TARGET")
			}
			return a.act(cmd.Context(), &f, args)
		},
	}
	f.on(a, cmd)
	f.waiting(cmd)
	f.overriding(cmd)
	cmd.Flags().BoolVar(&apply, "apply", false, "also do what needs a restart or a stop")
	return cmd
}

// reloadConfig shows the difference before it applies it; it does not ask, because
// scripts deploy with it. Mistakes: exit code 1, nothing has changed.
func (a *app) reloadConfig(ctx context.Context, apply bool) error {
	var reply api.ReloadReply
	err := a.ask("reload the config", func(c *api.Client) error {
		// What is going to happen, before it does.
		if apply && !a.json() {
			diff, err := c.ConfigDiff(ctx)
			if err != nil {
				return err
			}
			a.writeDiff(diff)
		}
		return a.watched(func(show api.Progress) (err error) {
			reply, err = c.Reload(ctx, api.Reload{Apply: apply}, show)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := a.answer(reply, func() { a.writeReload(reply, apply) }); err != nil {
		return err
	}
	if len(reply.Mistakes) > 0 {
		return api.Errorf(api.CodeFailed, "cannot reload: the config has mistakes; the old one stays in force").WithNext("supctl config check")
	}
	for _, f := range reply.Failed { // as if each had been asked for alone
		a.finish(&api.Error{Code: f.Code, Message: f.Text, Next: f.Next})
	}
	return code(reply.Code)
}

// writeReload says what is in force now and what waits.
func (a *app) writeReload(r api.ReloadReply, apply bool) {
	for _, m := range r.Mistakes {
		a.say("%s", clean(m))
	}
	if len(r.Mistakes) > 0 {
		return
	}
	if !apply { // with --apply they have been shown as the difference
		a.writeChanges(r.Changes)
	}
	a.say("config in force: generation %d, %d changed", r.Generation, len(r.Changes))
	if len(r.Pending) > 0 {
		a.say("pending: %s", clean(strings.Join(r.Pending, " ")))
		if !apply { // else an error for each says why
			a.hint("  supctl reload --apply, or the next restart, settles them")
		}
	}
}

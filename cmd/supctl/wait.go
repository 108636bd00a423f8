package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const waitLong = `Wait until services are up, down or ready. Exit code 1 if the time ran out.

Without --timeout, waiting for up or ready ends at once with exit code 4 where
only a person could make it true: somebody else's lock, a stop, a restart limit.
With a lock of your own it goes on: you may start it meanwhile.`

// waitCommand declares `wait`. Without --timeout it waits until it is so, or cannot become so.
func (a *app) waitCommand() *cobra.Command {
	var t targets
	var w api.Wait
	var timeout duration
	cmd := &cobra.Command{
		Use: "wait TARGET… --for up|down|ready", Short: "Wait until a service is up, down or ready", Long: waitLong,
		Example: "  supctl wait db --for ready --timeout 1m\n  supctl wait @web --for down",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if w.Targets, err = t.of(args, true); err != nil {
				return err
			}
			if !slices.Contains([]string{"up", "down", "ready"}, w.For) {
				return usage("cannot wait for %q: --for wants up, down or ready", w.For)
			}
			w.TimeoutS = timeout.seconds()
			return a.wait(cmd.Context(), w)
		},
	}
	t.on(a, cmd)
	cmd.Flags().StringVar(&w.For, "for", "", "`STATE` to wait for: up, down or ready")
	cmd.Flags().Var(&timeout, "timeout", "how long (default: until it is so)")
	return cmd
}

// wait leaves the time-out to the daemon, which answers with the states at the end,
// and has one of its own a little later for a daemon that hangs meanwhile.
func (a *app) wait(ctx context.Context, w api.Wait) error {
	if w.TimeoutS > 0 {
		late := &api.NotAnsweringError{After: api.Seconds(w.TimeoutS) + actAfter}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, late.After, late)
		defer cancel()
	}
	var reply api.WaitReply
	err := a.ask("wait for "+joinTargets(w.Targets), func(c *api.Client) error {
		return a.watched(func(show api.Progress) (err error) {
			reply, err = c.Wait(ctx, w, show)
			return causeOf(ctx, err)
		})
	})
	if err != nil {
		return err
	}
	err = a.answer(reply, func() {
		for _, s := range reply.Services {
			if !a.flags.quiet {
				a.say("%s: %s", clean(s.Name), clean(stateCell(s).text))
			}
		}
	})
	// The states have been shown; the error says only that they are not what was waited for.
	if err == nil && reply.Code != api.CodeDone {
		return api.Errorf(reply.Code, "cannot wait any longer: after %v not all are %s", api.Seconds(w.TimeoutS).Round(time.Millisecond), w.For).
			WithNext("supctl status " + joinTargets(w.Targets))
	}
	return err
}

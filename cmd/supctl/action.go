package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// actFlags are the flags that the verbs share; each command declares its own.
type actFlags struct {
	targets
	action  api.Action
	timeout duration
}

// waiting declares the flags of a verb that waits until it is done.
func (f *actFlags) waiting(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.action.NoWait, "no-wait", false, "return when the action has begun")
	cmd.Flags().Var(&f.timeout, "timeout", "how long to wait for the end (default: until it is over)")
}

// overriding declares the flags that pass a hold, and the reason they need.
func (f *actFlags) overriding(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.action.Override, "override", false, "act although others hold a lock besides yours; needs -m")
	cmd.Flags().BoolVar(&f.action.OverrideInterlock, "override-interlock", false, "act although a check holds it; needs -m")
	cmd.Flags().StringVarP(&f.action.Reason, "reason", "m", "", "why, for the record")
}

// actAfter is how much longer than --timeout supctl waits for the daemon's own
// word that the time ran out.
const actAfter = 5 * time.Second

// act has the daemon do it, with progress, and shows what became of each service.
func (a *app) act(ctx context.Context, f *actFlags, args []string) (err error) {
	if f.action.Targets, err = f.of(args, true); err != nil {
		return err
	}
	// Whoever passes a hold is asked why by the next person who looks at the record.
	if (f.action.Override || f.action.OverrideInterlock) && f.action.Reason == "" {
		return usage("an override needs a reason: -m TEXT")
	}
	// The daemon ends the wait itself and knows how far it came; ours is for a daemon that hangs meanwhile.
	f.action.TimeoutS = f.timeout.seconds()
	doing := f.action.Verb + " " + joinTargets(f.action.Targets)
	if f.timeout > 0 {
		late := &api.NotAnsweringError{After: time.Duration(f.timeout) + actAfter}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, late.After, late)
		defer cancel()
	}
	var reply api.ActionReply
	err = a.ask(doing, func(c *api.Client) error {
		return a.watched(func(show api.Progress) (err error) {
			reply, err = c.Act(ctx, f.action, show)
			return causeOf(ctx, err)
		})
	})
	if err != nil {
		return err
	}
	return a.acted(reply)
}

// causeOf is why ctx ended, if err came of that.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// acted shows the results. Each failure is an error of its own; the exit code is
// the first one's.
func (a *app) acted(r api.ActionReply) error {
	if a.json() {
		if err := a.writeJSON(a.out, r); err != nil {
			return err
		}
	}
	for _, res := range r.Results {
		switch {
		// As if each had been asked for alone, so that a failure among many reads like any other.
		case res.Code != api.CodeDone:
			a.finish(&api.Error{Code: res.Code, Message: res.Text, Next: res.Next})
		case !a.flags.quiet && !a.json():
			a.say("%s", clean(named(res.Service, res.Text)))
			if res.Next != "" {
				a.hint("  %s", clean(res.Next))
			}
		}
	}
	return code(r.Code)
}

// named puts the service before a text that does not begin with it.
func named(service, text string) string {
	if strings.HasPrefix(text, strconv.Quote(service)) || strings.HasPrefix(text, service+" ") {
		return text
	}
	return service + ": " + text
}

// joinTargets names at most a few targets, for messages: a command line with a
// thousand names makes no readable error.
func joinTargets(names []string) string {
	const shown = 3
	text := ""
	for i, n := range names {
		if i == shown {
			return text + " …"
		}
		if i > 0 {
			text += " "
		}
		text += n
	}
	return text
}

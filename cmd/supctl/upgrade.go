package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const upgradeLong = `Have supd execute its binary anew, in place: same process id, still the parent of
its services, nothing is restarted. For a new version: replace the binary first.`

// upgradeCommand declares `upgrade`. It returns when the new program answers: a
// script that goes on to use supctl must not meet the gap.
func (a *app) upgradeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "upgrade", Short: "Have supd execute its new binary in place", Long: upgradeLong, Args: cobra.NoArgs, Example: "  supctl upgrade",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var v api.Version
			err := a.ask("upgrade supd", func(c *api.Client) error {
				return a.watched(func(show api.Progress) (err error) {
					v, err = upgrade(cmd.Context(), c, show)
					return err
				})
			})
			if err != nil {
				return err
			}
			return a.answer(v, func() { a.say("supd %s, pid %d", clean(v.Version), v.PID) })
		},
	}
}

// How long the new binary may take to answer, and how often it is asked.
const (
	upgradeWait = 20 * time.Second
	upgradePoll = 50 * time.Millisecond
)

// upgrade asks for it and waits for the new program, which is the one that began
// later: the old one answers until the very moment.
func upgrade(ctx context.Context, c *api.Client, show api.Progress) (api.Version, error) {
	old, err := c.Version(ctx)
	if err != nil {
		return old, err
	}
	var broken *api.BrokenError // its word is lost when it is quick
	if _, err := c.Upgrade(ctx, show); err != nil && !errors.As(err, &broken) {
		return old, err
	}
	show("waiting for the new supd to answer")
	ctx, cancel := context.WithTimeout(ctx, upgradeWait)
	defer cancel()
	tick := time.NewTicker(upgradePoll)
	defer tick.Stop()
	for {
		v, err := c.Version(ctx)
		// Same pid, same socket: only the time of its beginning tells the new program from the old.
		if err == nil && !v.StartedAt.Equal(old.StartedAt) {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, api.Errorf(api.CodeFailed, "cannot see the upgrade through: no new supd has answered since (%v)", err).WithNext("the log of supd says why")
		case <-tick.C:
		}
	}
}

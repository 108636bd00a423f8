package main

import (
	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const upgradeLong = `Have supd execute its binary anew, in place: same process id, still the parent of
its services, nothing is restarted. For a new version: replace the binary first.`

func (a *app) upgradeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "upgrade", Short: "Have supd execute its new binary in place", Long: upgradeLong, Args: cobra.NoArgs, Example: "  supctl upgrade",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var v api.Version
			err := a.ask("upgrade supd", func(c *api.Client) error {
				return a.watched(func(show api.Progress) (err error) {
					v, err = c.Upgrade(cmd.Context(), show)
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

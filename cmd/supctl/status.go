package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const statusLong = `One line for each service: its state, since when, its process, how often it was
restarted, its checks, and what holds it back.

Exit code 1 if something that should be up is not, a check fails, or state
cannot be read. Locks and deliberate stops alone are 0.`

const statusExample = `  supctl status
  supctl status db @web
  supctl status --watch
  supctl status -o json`

// statusCommand declares `status`. Whether all is well is the daemon's word
// (Healthy): it knows what should be up, supctl only prints.
func (a *app) statusCommand() *cobra.Command {
	var t targets
	var watch bool
	every := duration(2 * time.Second)
	cmd := &cobra.Command{
		Use: "status [TARGET…]", Short: "What runs, what does not, and why", Long: statusLong, Example: statusExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, false)
			if err != nil {
				return err
			}
			if watch {
				return a.watchStatus(cmd.Context(), names, time.Duration(every))
			}
			reply, err := a.status(cmd.Context(), names)
			if err != nil {
				return err
			}
			if err := a.answer(reply, func() { a.writeStatus(a.out, reply) }); err != nil {
				return err
			}
			return statusCode(reply)
		},
	}
	t.on(a, cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "redraw until interrupted")
	cmd.Flags().Var(&every, "interval", "how often --watch looks")
	return cmd
}

// status asks the daemon and adds which one it was.
func (a *app) status(ctx context.Context, names []string) (api.StatusReply, error) {
	var reply api.StatusReply
	err := a.ask("show status", func(c *api.Client) (err error) {
		reply, err = c.Status(ctx, names)
		reply.Socket = c.Socket()
		return err
	})
	for i := range reply.Services {
		if reply.Services[i].Holds == nil { // always a list, whatever an older daemon sends
			reply.Services[i].Holds = []api.Hold{}
		}
	}
	return reply, err
}

// statusCode is 1 if something that should be up is not, a check fails, or state
// is unreadable. The answer itself has said what.
func statusCode(r api.StatusReply) error {
	if !r.Healthy {
		return code(api.CodeFailed)
	}
	return nil
}

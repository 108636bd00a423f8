package main

import (
	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const explainLong = `Why a service is as it is and what happens next: what would make supd act, what
holds it back, and when supd looks at it next.`

// explainCommand declares `explain`. The sentences are the daemon's: the core that
// decides is the one that can say why.
func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain SERVICE", Short: "Why a service is as it is", Long: explainLong, Example: "  supctl explain db",
		Args: oneService(), ValidArgsFunction: a.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ask("explain "+args[0], func(c *api.Client) error {
				r, err := c.Explain(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.answer(r, func() { a.writeExplain(r) })
			})
		},
	}
}

// writeExplain writes the sentences and the next timer, if there is one.
func (a *app) writeExplain(r api.ExplainReply) {
	for _, l := range r.Lines {
		a.say("%s", clean(l))
	}
	if r.NextTimer != nil {
		a.say("next: %s at %s", clean(r.NextWhat), a.clock(*r.NextTimer))
	}
}

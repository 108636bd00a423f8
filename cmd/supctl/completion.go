package main

import "github.com/spf13/cobra"

const completionLong = `Print the completion script for a shell. Names of services are completed by asking
the daemon.`

const completionExample = `  supctl completion bash > /etc/bash_completion.d/supctl
  supctl completion zsh > "${fpath[1]}/_supctl"
  supctl completion fish > ~/.config/fish/completions/supctl.fish`

// completionCommand replaces the library's own, which offers shells that nobody
// tests here.
func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Completion for your shell", Long: completionLong, Example: completionExample,
		ValidArgs: []string{"bash", "zsh", "fish"}, Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			}
			return root.GenFishCompletion(a.out, true)
		},
	}
}

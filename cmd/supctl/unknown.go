package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
)

// noSuchCommand refuses an argument where a subcommand is due, with the one that is most likely meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, append(c.Aliases, c.Name())...)
	}
	e := api.Errorf(api.CodeUsage, "cannot run %q: no such command", cmd.CommandPath()+" "+args[0])
	near := configs.Nearest(args[0], names)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, args[0]) }); i >= 0 {
		near = names[i] // cut short is likelier than mistyped
	}
	if near != "" {
		return e.WithNext(fmt.Sprintf("did you mean %s %s? %s --help lists all", cmd.CommandPath(), near, cmd.CommandPath()))
	}
	return e.WithNext(cmd.CommandPath() + " --help")
}

// helpOf shows the help of a command, and not that of its parent for a command that does not exist: a script that asks
// whether there is one must not be told yes.
func (a *app) helpOf(show func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, args []string) {
		words := cmd.Flags().Args()
		about, rest, err := cmd.Find(words) // "--help status" comes here as root's help
		if err == nil && about.HasSubCommands() {
			a.refused = noSuchCommand(about, rest)
		}
		if err == nil && a.refused == nil {
			show(about, args)
		}
	}
}

// helpCommand declares `help`.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]…", Short: "Help about any command", GroupID: groupSupd,
		Example: "  supctl help maintenance start",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if parent, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range parent.Commands() {
					if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), typed) {
						names = append(names, c.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if err := noSuchCommand(about, rest); err != nil {
				return err
			}
			return about.Help()
		},
	}
}

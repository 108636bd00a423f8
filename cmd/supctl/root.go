package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const rootLong = `supctl shows and controls the services that supd supervises, and takes
maintenance locks: while you hold one, nothing acts on the service but you.

  supctl maintenance start db -m "index rebuild" --stop
  ... work ...
  supctl maintenance end db --start

Three ways to say stop:
  supctl stop db                       it is off until somebody starts it
  supctl maintenance start db          nobody but me touches it
  supctl maintenance start db --stop   both, and proven down

TARGET is a service, @group, or --all; web means all of web@1, web@2, …
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 held, 5 not
verified or a decision is needed, 6 locked but an action is in flight, 7 locked
but not ready, 8 unknown (treat as locked), 9 no daemon, 10 not allowed.`

const rootExample = `  supctl status
  supctl explain db
  supctl maintenance start db -m "index rebuild"
  supctl status -o json | jq '.services[] | select(.state != "up")'`

// Headings of the commands in help.
const (
	groupLook = "look"
	groupAct  = "act"
	groupSupd = "supd"
)

// newRoot declares the program.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "supctl",
		Short:         "Control supd: services and maintenance locks",
		Long:          rootLong,
		Example:       rootExample,
		SilenceErrors: true, // finish shows them
		SilenceUsage:  true,
		RunE:          missing,
		Args:          noSuchCommand,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if o := a.flags.output; o != outputTable && o != outputJSON {
				return fmt.Errorf("-o wants table or json, not %q", o)
			}
			a.running = true
			return nil
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.errs)
	// Ours offers the shells that are tested.
	root.CompletionOptions.DisableDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&a.flags.socket, "socket", "", "ask supd on this `PATH` (default: SUPD_SOCKET, or found)")
	f.StringVar(&a.flags.stateDir, "state-dir", "", "state directory, for use without the daemon")
	f.StringVar(&a.flags.config, "config", "", "config file, for use without the daemon")
	f.StringVarP(&a.flags.output, "output", "o", outputTable, "`FORM` of answers and errors: table or json")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colours, also on a terminal")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "no progress and no hints")
	root.AddGroup(&cobra.Group{ID: groupLook, Title: "Look:"}, &cobra.Group{ID: groupAct, Title: "Act:"}, &cobra.Group{ID: groupSupd, Title: "supd itself:"})
	add(root, groupLook, a.statusCommand(), a.showCommand(), a.explainCommand(), a.logsCommand(), a.eventsCommand(), a.checkCommand(), a.waitCommand(), a.motdCommand())
	add(root, groupAct, a.maintenanceCommand(), a.startCommand(), a.stopCommand(), a.restartCommand(), a.reloadCommand(), a.signalCommand(), a.guardCommand())
	root.AddCommand(a.gatedCommand())
	add(root, groupSupd, a.configCommand(), a.upgradeCommand(), a.versionCommand(), a.completionCommand())
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpFunc(a.helpOf(root.HelpFunc()))
	return root
}

// add puts commands under a heading.
func add(parent *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = group
	}
	parent.AddCommand(cmds...)
}

// missing is what a command does that only has subcommands.
func missing(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(cmd.ErrOrStderr()) // nobody asked for help: it is not the answer
	if err := cmd.Help(); err != nil {
		return err
	}
	return answered(api.CodeUsage)
}

package main

import (
	"github.com/spf13/cobra"
)

const maintenanceLong = `Maintenance locks. While you hold one, nothing acts on the target but you: no
restart, no dependency, no reload; not while supd is dead, nor after a reboot.
Several people can hold the same target; it is free when the last one ends.

A lock never ends by itself. One that is past its expected end is overdue, says
so loudly, and goes on holding. All of this works without the daemon, too, for
who may write in the state directory.

At a change of shift, transfer offers your lock to a colleague, whose accept takes
it over. When its owner cannot be reached, break takes it over.`

const maintenanceExample = `  supctl maintenance start db -m "index rebuild" --for 2h --stop
  supctl maintenance list
  supctl maintenance transfer db --to ben
  supctl maintenance accept db
  supctl maintenance break ID -m "its owner is on a plane"
  supctl maintenance end db --start`

// maintenanceCommand declares the family `maintenance`. Each of its commands asks
// the daemon first, because the daemon knows who asks and can verify, and does the
// same steps on the files when the daemon does not answer.
func (a *app) maintenanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "maintenance", Aliases: []string{"maint"}, Short: "Maintenance locks: nothing acts on it but you",
		Long: maintenanceLong, Example: maintenanceExample, RunE: missing, Args: noSuchCommand,
	}
	cmd.AddCommand(a.maintStartCommand(), a.maintReadyCommand(), a.maintEndCommand(), a.maintListCommand(), a.maintShowCommand(), a.maintExtendCommand(),
		a.maintCheckCommand(), a.maintBreakCommand())
	cmd.AddCommand(a.maintTransferCommand(), a.maintAcceptCommand(), a.maintHistoryCommand())
	cmd.AddCommand(a.maintExecCommand())
	cmd.AddCommand(a.maintDoctorCommand(), a.maintMendCommand())
	return cmd
}

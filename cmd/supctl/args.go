package main

import "github.com/spf13/cobra"

// between is how many arguments a command takes, and says what is missing and where to find it: the library's own words are about
// numbers.
func between(least, most int, what, shown string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("which %s? %s", what, shown)
		case most > 0 && len(args) > most:
			return usage("%q is too much: it takes one %s", args[most], what)
		}
		return nil
	}
}

// oneService is for commands about one service.
func oneService() cobra.PositionalArgs { return between(1, 1, "service", "supctl status lists them") }

// oneLockID is for commands about one lock.
func oneLockID() cobra.PositionalArgs {
	return between(1, 1, "lock", "say its ID or the beginning of it; supctl maintenance list shows them")
}

// oneCheck is for commands about one check.
func oneCheck() cobra.PositionalArgs {
	return between(1, 2, "check", "say SERVICE/CHECK; supctl check list shows them")
}

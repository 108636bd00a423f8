package main

import (
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const startLong = `Want a service up. What it depends on is started first and waited for. Clears an
operator stop or a restart limit; a lock of somebody else stands in the way
(exit code 4), and so does a failing check that holds it (interlock).

Services named in one command are one wish, in whatever order: what is needed
comes first, and a stop that the command lifts is in nobody's way.`

// startCommand declares `start`.
func (a *app) startCommand() *cobra.Command {
	cmd, _ := a.waitingVerb("start", "Want a service up", startLong,
		"  supctl start db\n  supctl start @web --timeout 1m\n  supctl start db --override-interlock -m \"disk replaced\"")
	return cmd
}

// waitingVerb declares a verb that waits until it is done, with the flags that all of these share.
func (a *app) waitingVerb(verb, short, long, example string) (*cobra.Command, *actFlags) {
	f := &actFlags{}
	f.action.Verb = verb
	cmd := &cobra.Command{
		Use: verb + " TARGET…", Short: short, Long: long, Example: example,
		RunE: func(cmd *cobra.Command, args []string) error { return a.act(cmd.Context(), f, args) },
	}
	f.on(a, cmd)
	f.waiting(cmd)
	f.overriding(cmd)
	return cmd, f
}

const stopLong = `Want a service down, for everybody, until somebody starts it: also after a crash
or restart of supd, and after a reboot. To keep it from being touched while you
work on it, take a lock: supctl maintenance start TARGET --stop.

Services that depend on it and run are named, and taken down only with
--with-dependents, or when the same command names them too.`

// stopCommand declares `stop`. Dependents go down only when that was asked for: the
// daemon names them and refuses (exit code 5).
func (a *app) stopCommand() *cobra.Command {
	cmd, f := a.waitingVerb("stop", "Want a service down until somebody starts it", stopLong,
		"  supctl stop db -m \"not needed before May\"\n  supctl stop db --with-dependents")
	cmd.Flags().BoolVar(&f.action.WithDependents, "with-dependents", false, "also stop what depends on it, first")
	return cmd
}

const restartLong = `Stop a service and start it again: one action, which a lock waits for as a whole.
Puts a pending change of its config in force.`

// restartCommand declares `restart`.
func (a *app) restartCommand() *cobra.Command {
	cmd, _ := a.waitingVerb("restart", "Stop and start a service", restartLong, "  supctl restart web\n  supctl restart @web --timeout 2m")
	return cmd
}

const signalLong = `Send a signal to the service's main process. SIGNAL is a name with or without
SIG, or a number; it stands before or after the targets, or with -s. A signal
that ends the process is a deliberate stop only through supctl stop.`

// signalCommand declares `signal`. People write the signal first (kill), last, or
// as a flag (docker): all three are understood, since only one can be meant.
func (a *app) signalCommand() *cobra.Command {
	var f actFlags
	f.action.Verb = "signal"
	cmd := &cobra.Command{
		Use: "signal SIGNAL TARGET…", Short: "Send a signal to a service", Long: signalLong,
		Example: "  supctl signal HUP web\n  supctl signal web db -s USR1",
		RunE: func(cmd *cobra.Command, args []string) error {
			said := f.action.Signal
			if said == "" {
				f.action.Signal, args = signalIn(args)
			}
			if !isSignal(f.action.Signal) {
				return noSuchSignal(said, f.action.Signal, args)
			}
			return a.act(cmd.Context(), &f, args)
		},
	}
	f.on(a, cmd)
	f.overriding(cmd)
	cmd.Flags().StringVarP(&f.action.Signal, "signal", "s", "", "the `SIGNAL`")
	return cmd
}

// signalIn takes the signal off the arguments: the first one, or the last.
func signalIn(args []string) (signal string, rest []string) {
	if len(args) == 0 {
		return "", nil
	}
	// First where both could be: "signal HUP TERM" signals a service called TERM.
	if isSignal(args[0]) {
		return args[0], args[1:]
	}
	last := len(args) - 1
	return args[last], args[:last]
}

// noSuchSignal says which words are none: the one given with -s, or the first and the last.
func noSuchSignal(said, last string, others []string) error {
	words := []string{said}
	switch {
	case said != "":
	case len(others) == 0:
		return usage("no signal: name one such as HUP or USR1, as in: supctl signal HUP web")
	default:
		words = []string{others[0], last}
	}
	for _, w := range words {
		if isSignal(strings.ToUpper(w)) {
			return usage("cannot send %q: signals are written in capitals, %s", w, strings.ToUpper(w))
		}
	}
	if len(words) == 1 {
		return usage("cannot send %q: there is no such signal; name one such as HUP or USR1", said)
	}
	return usage("cannot tell the signal: neither %q nor %q is one; name one such as HUP or USR1, as in: supctl signal HUP web", words[0], words[1])
}

// isSignal accepts names in capitals and numbers: a service called "hup" is
// still a service.
func isSignal(s string) bool {
	if n := strings.Trim(s, "0123456789"); s != "" && n == "" {
		return len(s) <= 2 && s[0] != '0' && (len(s) < 2 || s <= "64")
	}
	if s != strings.ToUpper(s) {
		return false
	}
	return unix.SignalNum("SIG"+strings.TrimPrefix(s, "SIG")) != 0
}

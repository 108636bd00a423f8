package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// The gated command is supctl once more: it waits until its process is on record, then becomes
// the command, with the same pid and start time.
const (
	gatedWord = "__gated"
	gatedFD   = 3 // the pipe's end: a byte says go, its end says that the guard is dead
)

// gatedCommand declares what people never call.
func (a *app) gatedCommand() *cobra.Command {
	return &cobra.Command{
		Use: gatedWord, Hidden: true, DisableFlagParsing: true, Annotations: map[string]string{wrapper: "yes"},
		RunE: func(_ *cobra.Command, args []string) error { return becomeGated(args) },
	}
}

// becomeGated executes args[1:] from the file args[0]. It returns only if that cannot be.
func becomeGated(args []string) error {
	if len(args) < 2 {
		return usage("%s is for supctl guard", gatedWord)
	}
	unix.CloseOnExec(gatedFD)
	var b [1]byte
	n, err := os.NewFile(gatedFD, "guard").Read(b[:])
	if n != 1 {
		return fmt.Errorf("cannot run %q: its guard has gone (%w)", args[1], err)
	}
	if err := syscall.Exec(args[0], args[1:], os.Environ()); err != nil {
		return fmt.Errorf("cannot run %q: %w", args[1], err)
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"

	"github.com/spf13/cobra"
)

// Exit codes for a command that cannot be run, as shells and env(1) have them.
const (
	codeNotExecutable = 126
	codeNotThere      = 127
)

// splitCommand divides TARGET… -- COMMAND….
func splitCommand(cmd *cobra.Command, args []string) (targets, command []string) {
	at := cmd.ArgsLenAtDash()
	if at < 0 {
		return args, nil
	}
	return args[:at], args[at:]
}

// lookUp finds the program. What it cannot find has the exit code that a shell gives it.
func (a *app) lookUp(program string) (path string, err error) {
	path, err = exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	c := codeNotThere
	if errors.Is(err, fs.ErrPermission) {
		c = codeNotExecutable
	}
	fmt.Fprintf(a.errs, "supctl: cannot run %q: %v; nothing was run\n", clean(program), err)
	return "", commandCode(c)
}

package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes are an interface (package api has them); nothing else may call os.Exit.
func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run executes one command line and returns its exit code.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to end in order, a second one ends at once.
	defer context.AfterFunc(ctx, stop)()
	a := newApp(args, in, out, errs)
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	a.help = cmd.CommandPath() + " --help"
	return a.finish(err)
}

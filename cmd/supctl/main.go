package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// heapMax is where collecting garbage begins: a command is over before it would pay.
const heapMax = 64 << 20

// Exit codes are an interface (package api has them); nothing else may call os.Exit.
func main() {
	// One processor and no collector: on two, a tenth of the commands waited for each other's threads, twice as long as they worked.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heapMax)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

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
	a.wraps = cmd.Annotations[wrapper] != ""
	if err == nil {
		err = a.refused
	}
	defer a.showNotices() // after what the command has to say
	return a.finish(err)
}

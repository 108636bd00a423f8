package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/version"
	"github.com/supd/supd/internal/where"
	"github.com/supd/supd/supervisor"
)

// Exit codes of supd.
const (
	exitDone   = 0
	exitFailed = 1 // also: the config has mistakes
	exitUsage  = 2
)

const usage = `supd watches services, restarts what crashed, and respects maintenance locks.

Usage:
  supd [--config FILE] [--state-dir DIR] [--run-dir DIR] [--check] [--observe] [--demo] [--version]

  --config FILE     the configuration (default ` + configs.DefaultPath + `)
  --state-dir DIR   locks, stops and history; overrides the config
  --run-dir DIR     socket and process notes; overrides the config
  --check           print every mistake in the config as FILE:LINE: message; exit 0 or 1
  --observe         watch, check, and say what would be done; act on nothing
  --demo            run a few living services from a built-in config, in a private directory
  --version         print the version

Signals:
  SIGHUP            read the config again        SIGUSR2          execute the binary again, same pid
  SIGTERM, SIGINT   end; [daemon] on_exit says what becomes of the services

Examples:
  supd --demo                                    try it, as any user
  supd --check --config ./supd.toml              look for mistakes
  supd --config ./supd.toml --state-dir ~/.supd/state --run-dir ~/.supd/run
`

type options struct {
	supervisor.Options
	check, demo, version bool
}

// run is the whole program but for helpers. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	o, code, done := parse(args, stdout, stderr)
	if done {
		return code
	}
	switch {
	case o.version:
		fmt.Fprintln(stdout, "supd", version.Version(), version.Commit())
		return exitDone
	case o.check:
		return check(o, stdout, stderr)
	case o.demo:
		if err := demo(&o, stdout); err != nil {
			fmt.Fprintln(stderr, "supd:", err)
			return exitFailed
		}
	}
	return supervise(o, stderr)
}

// parse reads the flags; done says that there is nothing left to do.
func parse(args []string, stdout, stderr io.Writer) (o options, code int, done bool) {
	fs := flag.NewFlagSet("supd", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.ConfigPath, "config", configs.DefaultPath, "")
	fs.StringVar(&o.StateDir, "state-dir", "", "")
	fs.StringVar(&o.RunDir, "run-dir", "", "")
	fs.BoolVar(&o.check, "check", false, "")
	fs.BoolVar(&o.Observe, "observe", false, "")
	fs.BoolVar(&o.demo, "demo", false, "")
	fs.BoolVar(&o.version, "version", false, "")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return o, exitDone, true
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(stderr, "supd: %v\nTry: supd --help\n", err)
		return o, exitUsage, true
	}
	return o, exitDone, false
}

// check prints every mistake of the config.
func check(o options, stdout, stderr io.Writer) int {
	plan, mistakes := configs.Load(o.ConfigPath, configs.Options{StateDir: o.StateDir, RunDir: o.RunDir, Observe: o.Observe})
	for _, m := range mistakes {
		fmt.Fprintln(stderr, m)
	}
	if len(mistakes) > 0 {
		return exitFailed
	}
	fmt.Fprintf(stdout, "%s: good: %d services, %d groups, %d files\n", o.ConfigPath, len(plan.Services), len(plan.Groups), len(plan.Files))
	return exitDone
}

// demo prepares a private supd with the built-in config. Its state is its own and stays: a lock outlives the demo too.
func demo(o *options, stdout io.Writer) error {
	run := o.RunDir
	if run == "" {
		var err error
		if run, err = where.MakeUserRunDir(os.Getenv, os.Getuid()); err != nil {
			return err
		}
	}
	o.RunDir = run
	if o.StateDir == "" {
		o.StateDir = filepath.Join(run, "state")
	}
	o.ConfigPath, o.ConfigText, o.StopOnExit = "demo.toml (built in)", configs.Demo(), true
	fmt.Fprint(stdout, demoText(where.Socket(run)))
	return nil
}

// demoText says what can be tried. supctl finds the demo without a flag when no other supd is in the way.
func demoText(socket string) string {
	return fmt.Sprintf(`supd demo: a few services, one of which crashes now and then. Ctrl-C ends it and everything it started.
It listens on %s; supctl finds it by itself. In another terminal, try:

  supctl status                                   what runs
  supctl maintenance start db -m "new disk" --stop     db is down, and nobody but you touches it
  supctl restart web                              refused: web needs db, and db is yours
  supctl maintenance end db --start               start it, verify it, and give it back
  supctl explain flaky                            why a service is as it is
  supctl events -f                                everything that happens
(from a source tree: go run ./cmd/supctl status)

`, socket)
}

// supervise runs until it is told to end.
func supervise(o options, stderr io.Writer) int {
	o.Processors = spareProcessors()
	reserveThreads(threadsReserve)
	queue := newLogQueue(stderr)
	o.Log, o.LastLog = newLogger(queue), queue.Close
	o.Version, o.Commit = version.Version(), version.Commit()
	// A reader of our log that went away must not end supd. (Ignored, the signal would stay ignored in every service.)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	reload, upgrade := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	signal.Notify(upgrade, syscall.SIGUSR2)
	err := supervisor.Run(ctx, o.Options, supervisor.Signals{Reload: reload, Upgrade: upgrade})
	queue.Close()
	var config *supervisor.ConfigError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &config):
		for _, m := range config.Mistakes {
			fmt.Fprintln(stderr, m)
		}
	default:
		fmt.Fprintln(stderr, "supd:", err)
	}
	return exitFailed
}

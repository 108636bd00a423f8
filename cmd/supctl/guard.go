package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

const guardLong = `Run COMMAND only while no lock covers TARGET, for cron, deploy tools and scripts.
Any lock refuses, also your own: exit code 125, nothing is run. The exit code is
the COMMAND's own otherwise (126, 127: it cannot be run; 128+N: ended by signal N).

COMMAND is an action like one of supd's: a lock that is taken meanwhile waits for
its end, or reports it in flight (exit code 6, with the COMMAND's name). Until
then supd itself does nothing to TARGET, other guards wait their turn, and
supctl start, stop and restart of TARGET are busy, also from within COMMAND: to
restart a service, let supctl restart do so, which no lock lets pass either. If
guard is killed, COMMAND goes on and stays in flight; what COMMAND leaves behind
in the background is not waited for.

Works without the daemon. Needs write permission in the state directory: root, or
a private supd. A lock state that cannot be read refuses, too.`

const guardExample = `  supctl guard db -- /usr/local/bin/vacuum.sh
  supctl guard @web --wait 10m -- rsync -a build/ /srv/web/
  supctl guard --all -- apt-get -y upgrade`

// guardFlags are what `guard` was told.
type guardFlags struct {
	targets
	wait duration
}

// guardCommand declares `guard`.
func (a *app) guardCommand() *cobra.Command {
	var f guardFlags
	cmd := &cobra.Command{
		Use: "guard TARGET… -- COMMAND…", Short: "Run a command only while nothing is locked", Long: guardLong, Example: guardExample,
		Annotations: map[string]string{wrapper: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			names, command := splitCommand(cmd, args)
			if len(command) == 0 {
				return usage("no command: supctl guard TARGET -- COMMAND")
			}
			names, err := f.of(names, true)
			if err != nil {
				return err
			}
			return a.guard(cmd.Context(), &f, names, command)
		},
	}
	f.on(a, cmd)
	cmd.Flags().Var(&f.wait, "wait", "how long to wait for locks to end")
	return cmd
}

// guardLook is how often a guard that waits looks whether the locks have ended.
const guardLook = 500 * time.Millisecond

// guard passes the gate with the command. The gate is the files', and they are asked in it; a daemon that answers is asked as well.
func (a *app) guard(ctx context.Context, f *guardFlags, names, command []string) error {
	path, err := a.lookUp(command[0])
	if err != nil {
		return err
	}
	d, _, err := a.direct(nil, false)
	if err != nil {
		return directFailed("guard "+joinTargets(names), nil, err)
	}
	until := a.now().Add(time.Duration(f.wait))
	told := false
	for {
		exit := 0
		daemon := a.theDaemon(ctx, names)
		err := d.pass(ctx, names, command, until, func(p *lockfile.Permit) (err error) {
			if err := daemon.refuses(ctx, names); err != nil {
				return err
			}
			exit, err = a.runGated(p, path, command)
			return err
		})
		if err == nil {
			return commandCode(exit)
		}
		var stale *lockfile.StaleError
		switch {
		case errors.As(err, &stale) && ctx.Err() == nil: // the plan changed, or a dead action was found and is reported
			continue
		case !isHeld(err) || !a.now().Before(until):
			a.recordRefusal(err, command)
			return guardFailed(names, err)
		}
		if !told {
			told = true
			a.hint("waiting: %s", clean(err.Error()))
		}
		select {
		case <-ctx.Done():
			return guardFailed(names, err)
		case <-time.After(guardLook):
		}
	}
}

// pass takes the gates of all services of the targets and calls act when no lock covers any.
func (d *direct) pass(ctx context.Context, names, command []string, until time.Time, act func(*lockfile.Permit) error) error {
	plan, err := d.dir.Plan()
	if err != nil {
		return err
	}
	services, err := d.guarded(names)
	if err != nil {
		return err
	}
	// The generation under which the names were resolved: a reload in between makes it stale.
	decisions := map[string]lockfile.Decision{}
	for _, s := range services {
		decisions[s] = lockfile.Decision{PlanGen: plan.Generation}
	}
	return d.dir.Do(ctx, lockfile.Request{
		Services: services, Verb: lockfile.VerbExec, Decisions: decisions, Actor: d.me, OnlyFree: true,
		By: lockfile.GuardBy + d.me.Name, Reason: strings.Join(command, " "), Wait: max(time.Until(until), lockfile.GateWait),
		Waiting: d.waitsFor(services),
	}, act)
}

// guarded is every service of the targets. None is an error: what has no gate cannot be guarded.
func (d *direct) guarded(names []string) ([]string, error) {
	config, _ := d.names()
	all := map[string]bool{}
	for _, n := range names {
		t, err := lockfile.ParseTarget(n)
		if err == nil {
			err = d.known("guard", t)
		}
		if err != nil {
			return nil, err
		}
		r, err := d.dir.Resolve(t, &config)
		if err != nil {
			return nil, &lockfile.UnreadableError{Service: n, Files: []lockfile.Unreadable{{Path: d.dir.Path() + "/plan.toml", Err: err}}}
		}
		for s := range r.Members {
			all[s] = true
		}
	}
	if len(all) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "cannot guard %s: no service belongs to it", joinTargets(names))
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// runGated runs the command under the permit. The record names its process before its first
// instruction: a guard that is killed at any moment leaves either no command or one in flight.
func (a *app) runGated(p *lockfile.Permit, path string, command []string) (exit int, err error) {
	waits, goes, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer goes.Close()
	w := work{path: "/proc/self/exe", argv: append([]string{"supctl", gatedWord, path}, command...), in: a.in, out: a.out, errs: a.errs, files: []*os.File{waits}, terminal: openTerminal()}
	defer w.terminal.close()
	w.begun = func(pid int) error {
		defer goes.Close() // without a byte before, nothing is run
		start, err := proc.StartTime(pid)
		if err == nil {
			err = p.Update(func(r *lockfile.Record) { r.Script = lockfile.Proc{PID: pid, Start: start} })
		}
		if err == nil {
			_, err = goes.Write([]byte{1})
		}
		return err
	}
	return w.run()
}

package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

const maintStartLong = `Lock TARGET: until you end the lock, nothing acts on it but you. Waits until what
is in flight is over; when the wait runs out, the lock stays and the exit code is
6: the same command waits again, with the same lock.

A lock is always granted. When something is missing that policy wants (a reason,
a ticket, a fresh backup), or --stop did not bring it down, the answer is LOCKED,
NOT READY and the exit code 7: do not begin before that is mended. Several
targets: all or none.

The same command again, from the same login session and also at the same moment,
makes no second lock: it puts on yours what is said now. Another session of yours
has a lock of its own.

The answer also lists what else on this host could act on TARGET (systemd, cron,
Monit, supervisord, runit, Docker, package upgrades) and whether the lock covers
it. With --require-isolated a gap makes the lock not ready, and ends the procedure
before --stop.

While a lock with --stop stands, what comes up by another hand is told at once:
status, events, metrics, and a line on your terminal.

When supd does not answer within two seconds, supctl writes the lock itself; supd
honours it when it comes back.`

const maintStartExample = `  supctl maintenance start db
  supctl maintenance start db -m "index rebuild" --for 2h
  supctl maintenance start db --stop -m "move to new disk" --ticket OPS-17
  supctl maintenance start @web --wait 5m`

// startFlags are what `maintenance start` was told.
type startFlags struct {
	targets
	req  api.MaintenanceStart
	till duration
	wait duration
}

// maintStartCommand declares `maintenance start`. The bare command works, always:
// whatever it could insist on would teach people to work without a lock.
func (a *app) maintStartCommand() *cobra.Command {
	f := startFlags{wait: duration(lockfile.LockWait)}
	cmd := &cobra.Command{
		Use: "start TARGET…", Short: "Lock: nothing acts on it but you", Long: maintStartLong, Example: maintStartExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("for") && f.till <= 0 {
				return usage("--for says how long the work is expected to take, and 0s is no time; without --for the policy's default counts; nothing was locked")
			}
			return a.maintStart(cmd.Context(), &f, args)
		},
	}
	f.declare(a, cmd)
	return cmd
}

// declare adds the flags that say what lock is wanted.
func (f *startFlags) declare(a *app, cmd *cobra.Command) {
	f.on(a, cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.req.Reason, "reason", "m", "", "why: everybody sees it")
	fl.Var(&f.till, "for", "expected end, from now; after it the lock is overdue and still holds")
	fl.StringVar(&f.req.Ticket, "ticket", "", "`ID` of the ticket or change")
	fl.BoolVar(&f.req.Stop, "stop", false, "bring it down under the lock, and prove that it is")
	fl.Var(&f.wait, "wait", "how long to wait for what is in flight")
	fl.BoolVar(&f.req.RequireIsolated, "require-isolated", false, "not ready, and nothing stopped, if something else could still act on it")
}

// waitMin stands for --wait 0s: on the wire 0 means the default.
const waitMin = time.Millisecond

// waitSeconds is --wait on the wire.
func waitSeconds(d duration) float64 { return max(time.Duration(d), waitMin).Seconds() }

// maintStart is the whole command.
func (a *app) maintStart(ctx context.Context, f *startFlags, args []string) error {
	names, err := f.of(args, true)
	if err != nil {
		return err
	}
	reply, err := a.lockAll(ctx, f, names)
	if err != nil {
		return err
	}
	if err := a.answer(reply, func() { a.writeLocked(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// lockAll takes the locks, all or none, then asks on a terminal for what policy
// misses. In this order: the lock must not wait for somebody who types.
func (a *app) lockAll(ctx context.Context, f *startFlags, names []string) (api.MaintenanceReply, error) {
	f.req.ForS, f.req.WaitS = f.till.seconds(), waitSeconds(f.wait)
	for _, n := range names {
		target, err := lockfile.ParseTarget(n)
		if err != nil {
			return api.MaintenanceReply{}, usage("%v", err)
		}
		f.req.Locks = append(f.req.Locks, api.NewLock{ID: lockfile.NewIDFor(target), Target: n})
	}
	if err := a.lockable(f.req); err != nil {
		return api.MaintenanceReply{}, err
	}
	reply, err := a.takeLocks(ctx, f.req)
	// The lock stands while the person types.
	if err == nil {
		reply, err = a.fillUp(ctx, reply, func(w words) (api.MaintenanceReply, error) {
			f.req.Reason, f.req.Ticket = cmp.Or(w.reason, f.req.Reason), cmp.Or(w.ticket, f.req.Ticket)
			return a.takeLocks(ctx, f.req) // the same ids: the same locks, now with what was missing
		})
	}
	if err != nil {
		return reply, a.startFailed(ctx, f.req, err)
	}
	return reply, nil
}

// lockable refuses what no lock could hold (64 KB of reason, ten thousand hours), before the daemon is asked or a file
// written: both ways refuse the same.
func (a *app) lockable(req api.MaintenanceStart) error {
	err := api.Valid(&req)
	if err == nil {
		return nil
	}
	return api.Errorf(api.CodeOf(err), "cannot lock %s: %v; nothing was locked", joinTargets(lockTargets(req)), err).
		WithNext("shorten it, or leave it away: supctl maintenance start " + joinTargets(lockTargets(req)) + " works without any flag")
}

// hungAfter is how long the daemon may be silent beyond --wait before it counts
// as hung in the middle of a request.
const hungAfter = 15 * time.Second

// takeLocks asks the daemon, and does the same steps itself, with the same ids,
// when it does not answer: one lock, whoever writes it.
func (a *app) takeLocks(ctx context.Context, req api.MaintenanceStart) (reply api.MaintenanceReply, err error) {
	c, err := a.client()
	if err == nil {
		alive, heard, stop := guard(ctx, api.Seconds(req.WaitS)+hungAfter)
		err = a.watched(func(show api.Progress) (err error) {
			reply, err = c.MaintenanceStart(alive, req, func(text string) { heard(); show(text) })
			return causeOf(alive, err)
		})
		stop()
	}
	// A daemon that lives and refuses has its reasons; going behind its back is for one that does not answer.
	if err == nil || !api.IsUnreachable(err) {
		return reply, err
	}
	d, why, err := a.direct(err, true)
	if err != nil {
		e := directFailed("lock "+joinTargets(lockTargets(req)), why, err)
		if e.Code == api.CodeUnknown {
			e.Code = api.CodeFailed // nothing was written
		}
		return reply, e
	}
	err = a.watched(func(show api.Progress) (err error) {
		reply, err = d.start(ctx, req, show)
		return err
	})
	return reply, err
}

// guard is a context that ends with *api.NotAnsweringError when heard was not
// called for the given time.
func guard(ctx context.Context, silence time.Duration) (alive context.Context, heard, stop func()) {
	alive, cancel := context.WithCancelCause(ctx)
	t := time.AfterFunc(silence, func() { cancel(&api.NotAnsweringError{After: silence}) })
	return alive, func() { t.Reset(silence) }, func() { t.Stop(); cancel(nil) }
}

// startFailed says what stands after an error: an interrupted wait leaves the
// locks where they are.
func (a *app) startFailed(ctx context.Context, req api.MaintenanceStart, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	targets := joinTargets(lockTargets(req))
	listed, _, lerr := a.listLocks(context.WithoutCancel(ctx), nil)
	if lerr != nil {
		return api.Errorf(api.CodeUnknown, "cannot tell whether %s is locked: interrupted, and then: %v", targets, lerr).WithNext("supctl maintenance list")
	}
	for _, l := range listed.Locks {
		for _, asked := range req.Locks {
			if l.ID == asked.ID || l.Mine && l.Target == asked.Target {
				return api.Errorf(api.CodeInFlight, "cannot wait any longer: interrupted; %s is locked, but an action may still be in flight", l.Target).
					WithNext("the same command waits again with the same lock; supctl maintenance end " + targets + " takes it away")
			}
		}
	}
	return api.Errorf(api.CodeFailed, "cannot lock %s: interrupted; it is not locked", targets)
}

// lockTargets are the targets of a request, for messages.
func lockTargets(req api.MaintenanceStart) []string {
	names := make([]string, len(req.Locks))
	for i, l := range req.Locks {
		names[i] = l.Target
	}
	return names
}

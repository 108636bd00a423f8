package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const maintEndLong = `Take away your own lock. If others hold the target too, says who, and that is
all. The last lock goes only after the service was tried out:

  running and every check passes   released, supervised again
  down                             say --start or --leave-stopped
  running but failing              refused, unless --force

Before that it says what changed during the work: processes, programs, config,
packages. On a terminal it asks for the decision that is missing.

With --start a service that does not come up keeps its lock. After the release,
for the settle time of its policy (30 s), failures alert and are not acted on; then
the service is supervised as ever. So --force on a service that is down does not
leave it down: if it is wanted up, supd starts it when the settle time is over.
Who wants it to stay down says --leave-stopped. What failed under the lock counts
for nothing afterwards.

Without the daemon nothing can be tried out: --leave-stopped or --force.`

const maintEndExample = `  supctl maintenance end db
  supctl maintenance end db --start
  supctl maintenance end db --leave-stopped
  supctl maintenance end --id 7qk2
  supctl maintenance end --mine --force`

// endFlags are what `maintenance end` was told.
type endFlags struct {
	targets
	req  api.MaintenanceEnd
	id   string
	mine bool
	wait duration
}

// maintEndCommand declares `maintenance end`. The flags are the three decisions that
// a service which is not well asks for.
func (a *app) maintEndCommand() *cobra.Command {
	var f endFlags
	cmd := &cobra.Command{
		Use: "end TARGET… | --id ID", Short: "Take away your own lock, after a try-out", Long: maintEndLong, Example: maintEndExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.maintEnd(cmd.Context(), &f, args) },
	}
	f.on(a, cmd)
	declareDecisions(cmd, &f.req)
	fl := cmd.Flags()
	fl.BoolVar(&f.mine, "mine", false, "all of your own, also those of your other sessions")
	fl.StringVar(&f.id, "id", "", "the lock with this `ID` or the beginning of it, also of another of your sessions")
	fl.Var(&f.wait, "wait", "how long to wait for what is in flight")
	return cmd
}

// declareDecisions adds the flags for the decisions that a service which is not well asks for.
func declareDecisions(cmd *cobra.Command, req *api.MaintenanceEnd) {
	fl := cmd.Flags()
	fl.BoolVar(&req.Start, "start", false, "start it, wait for its checks, then release")
	fl.BoolVar(&req.LeaveStopped, "leave-stopped", false, "release it; it stays down until somebody starts it")
	fl.BoolVar(&req.Force, "force", false, "release it as it is, failing or not tried out; if it is down and wanted up, supd starts it after the settle time")
}

// errTwoDecisions is what the library's own check would say too late, after the command line counts as understood.
var errTwoDecisions = usage("--start and --leave-stopped contradict each other")

// maintEnd resolves targets to ids first, and only then asks for the end: see
// ownLocks. The list may come from the files although the daemon then answers, or
// the other way round; ids mean the same in both.
func (a *app) maintEnd(ctx context.Context, f *endFlags, args []string) error {
	if f.req.Start && f.req.LeaveStopped {
		return errTwoDecisions
	}
	names, err := f.of(args, !f.mine && f.id == "")
	if err != nil {
		return err
	}
	if f.id != "" && (f.mine || len(names) > 0) {
		return usage("--id names one lock, and needs neither a target nor --mine")
	}
	listed, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return err
	}
	if f.id != "" {
		f.req.IDs, err = ownByID("end", listed, f.id)
	} else {
		f.req.IDs, err = a.ownLocks(ctx, "end", listed, names, f.mine)
	}
	if err != nil {
		return err
	}
	f.req.WaitS = f.wait.seconds()
	reply, err := a.endDecided(ctx, &f.req, why)
	if err != nil {
		return a.interrupted("end the lock", err)
	}
	for _, l := range listed.Locks {
		if slices.Contains(f.req.IDs, l.ID) && !l.Mine && !l.Abandoned {
			reply.Notes = append(reply.Notes, fmt.Sprintf("the lock on %s was taken in another session of yours, which is still there%s", l.Target, onTerminal(l.TTY)))
		}
	}
	if err := a.answer(reply, func() { a.writeEnded(reply) }); err != nil {
		return err
	}
	return code(reply.Code)
}

// onTerminal says on which terminal, if that is known.
func onTerminal(tty string) string {
	if tty == "" {
		return ""
	}
	return " (on " + tty + ")"
}

// endDecided says what changed during the work, ends the locks, and asks on a terminal for the decision that is missing.
func (a *app) endDecided(ctx context.Context, req *api.MaintenanceEnd, why error) (api.MaintenanceReply, error) {
	changes := a.showChanges(ctx, req.IDs, why)
	reply, err := a.endLocks(ctx, *req, why)
	for range choices { // a start that is decided on may want the next decision
		if err == nil || ctx.Err() != nil || !a.decide(ctx, req, err) {
			break
		}
		reply, err = a.endLocks(ctx, *req, why)
	}
	reply.Changes = changes
	return reply, err
}

// endLocks asks the daemon, unless it is known not to answer (why), and else
// takes the files away itself.
func (a *app) endLocks(ctx context.Context, req api.MaintenanceEnd, why error) (reply api.MaintenanceReply, err error) {
	if why == nil {
		var c *api.Client
		if c, err = a.client(); err == nil {
			err = a.watched(func(show api.Progress) (err error) {
				reply, err = c.MaintenanceEnd(ctx, req, show)
				return err
			})
		}
		if err == nil || !api.IsUnreachable(err) {
			return reply, err
		}
		why = err
	}
	// Nobody else can start and verify. Said before the files are touched: the lock stays.
	if req.Start {
		return reply, api.Errorf(api.CodeUnreachable, "cannot start and verify without supd: %v; the lock stays", why).
			WithNext("start supd, or end it with --leave-stopped or --force")
	}
	d, why, err := a.direct(why, false)
	if err != nil {
		return reply, directFailed("end the lock", why, err)
	}
	reply, err = d.end(ctx, req)
	var broken *api.BrokenError
	if api.CodeOf(err) == api.CodeNotFound && errors.As(why, &broken) {
		// The daemon had done it before it went away.
		return api.MaintenanceReply{Notes: []string{"supd went away, but had ended the lock before"}}, nil
	}
	return reply, err
}

// writeEnded says what is free now and what is not, because others hold it too.
// Notes are shown with -q as well: they say how it was done.
func (a *app) writeEnded(r api.MaintenanceReply) {
	for _, l := range r.Locks {
		if a.flags.quiet {
			break
		}
		a.say("%s %s", endedHeading(r, l), a.lockLine(l))
	}
	for _, l := range r.Remaining {
		a.say("  still locked by %s since %s: %s", clean(l.Owner), a.clock(l.Since), a.lockLine(l))
	}
	for _, b := range r.Unreadable {
		a.say("  %s; supctl maintenance doctor has the command that mends it", clean(countsAsLocked(b)))
	}
	for _, f := range r.InFlight {
		a.say("  in flight: %s", clean(f.Text))
	}
	for _, n := range r.NotReady {
		a.say("  to fix: %s", clean(n))
	}
	for _, n := range r.Notes {
		a.note("  %s", clean(n))
	}
	if r.Next != "" {
		a.hint("  next: %s", clean(r.Next))
	}
}

// stillHeld is what is said of a target that is not free although one's own lock is gone.
const stillHeld = "YOUR LOCK IS GONE, STILL HELD"

// endedHeading tells a target that is free from one that others hold.
func endedHeading(r api.MaintenanceReply, ended api.Lock) string {
	for _, l := range r.Remaining {
		if l.Target == ended.Target || l.Target == "--all" {
			return stillHeld
		}
	}
	for _, b := range r.Unreadable {
		if b.Target == ended.Target || b.Target == "--all" || b.Target == "" {
			return stillHeld
		}
	}
	return "RELEASED"
}

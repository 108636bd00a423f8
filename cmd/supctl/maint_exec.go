package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

const maintExecLong = `Lock TARGET, run COMMAND, and end the lock when it is over, after a try-out, as
"maintenance end" does. Without COMMAND: a shell with the target in its prompt.

COMMAND has SUPD_LOCK_ID and SUPD_LOCK_TARGET in its environment (several are
separated by spaces). It has the terminal, its signals and its exit code are its
own. When supctl itself refuses or fails, the code is 125, and what stands then is
said:

  not locked, or not ready           COMMAND is not run
  the try-out fails                  the lock stays
  the terminal or supctl is gone     the lock stays, and is shown as abandoned

--on-fail is run by /bin/sh under the same lock when the try-out fails. If it
succeeds the try-out is made again; the lock goes only if that does. The code is
125 all the same, for the work was taken back.

A lock that you had on the target before is used, and stays: nothing is tried out
then, so with --on-fail the COMMAND is not run. So does a lock that you ask for
again while COMMAND runs (maintenance start, or another exec).`

const maintExecExample = `  supctl maintenance exec db -m "new disk" --stop --start
  supctl maintenance exec db --start -- pg_upgradecluster 15 main
  supctl maintenance exec web --on-fail ./undo.sh -- ./deploy.sh`

// execFlags are what `maintenance exec` was told: a start, an end, and what lies between.
type execFlags struct {
	startFlags
	end    api.MaintenanceEnd
	onFail string
}

// maintExecCommand declares `maintenance exec`.
func (a *app) maintExecCommand() *cobra.Command {
	f := execFlags{startFlags: startFlags{wait: duration(lockfile.LockWait)}}
	cmd := &cobra.Command{
		Use: "exec TARGET… [-- COMMAND…]", Short: "Lock, run a command or a shell, end the lock", Long: maintExecLong, Example: maintExecExample,
		Annotations: map[string]string{wrapper: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var argv []string
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args, argv = args[:dash], args[dash:]
			}
			return a.maintExec(cmd.Context(), &f, args, argv)
		},
	}
	f.declare(a, cmd)
	declareDecisions(cmd, &f.end)
	cmd.Flags().StringVar(&f.onFail, "on-fail", "", "`COMMAND` for /bin/sh that takes the work back when the try-out fails")
	return cmd
}

// maintExec is the whole command. Standard output belongs to COMMAND, so all that supctl says goes to standard error.
func (a *app) maintExec(ctx context.Context, f *execFlags, args, argv []string) error {
	names, err := f.of(args, true)
	if err != nil {
		return err
	}
	if f.end.Start && f.end.LeaveStopped {
		return errTwoDecisions
	}
	w := work{argv: argv, in: a.in, out: a.out, errs: a.errs, terminal: openTerminal()}
	defer w.terminal.close()
	if err := a.prepare(&w, names); err != nil {
		return err
	}
	a.out = a.errs
	f.req.Attached = true
	reply, err := a.lockAll(ctx, &f.startFlags, names)
	if err != nil {
		return err
	}
	if err := a.answer(reply, func() { a.writeLocked(reply) }); err != nil {
		return err
	}
	f.end.IDs, f.end.Attached = fresh(f.req, reply), true
	if len(f.end.IDs) == 0 && f.onFail != "" { // no end, no try-out, so nobody would ever ask for the roll-back
		return api.Errorf(api.CodeVerify, "cannot run the command with --on-fail: you had a lock on %s before, which exec leaves standing and tries nothing out for; nothing was run",
			joinTargets(names)).WithNext("end that lock first, or leave --on-fail out")
	}
	if reply.Code != api.CodeDone {
		if !a.beginAllTheSame(ctx, reply) {
			return a.giveUp(ctx, f, notBegun(reply.Code))
		}
		for _, l := range locksOf(api.LocksReply{Locks: reply.Locks}, f.end.IDs) {
			a.hintAttached(l)
		}
	}
	w.env = append(w.env, lockEnv(reply)...)
	code, err := w.run()
	switch {
	case err != nil: // it did not begin: nothing was done
		return a.giveUp(ctx, f, api.Errorf(api.CodeFailed, "%v", err))
	case w.lost:
		a.note("the terminal is gone: the lock stays")
		return commandCode(code)
	case len(f.end.IDs) == 0:
		a.hint("you had a lock on %s before: it stays", clean(joinTargets(names)))
		return commandCode(code)
	}
	// What interrupted COMMAND is not to interrupt the end.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return a.endWork(ctx, f, w, code)
}

// fresh are the ids of the locks that this command took: one that was there before answers with another id.
func fresh(req api.MaintenanceStart, reply api.MaintenanceReply) (ids []string) {
	for _, l := range reply.Locks {
		if slices.ContainsFunc(req.Locks, func(asked api.NewLock) bool { return asked.ID == l.ID }) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// lockEnv tells COMMAND under which locks it runs.
func lockEnv(reply api.MaintenanceReply) []string {
	var ids, targets []string
	for _, l := range reply.Locks {
		ids, targets = append(ids, l.ID), append(targets, l.Target)
	}
	return []string{who.LockVariable + "=" + strings.Join(ids, " "), "SUPD_LOCK_TARGET=" + strings.Join(targets, " ")}
}

// beginAllTheSame asks a person whether to begin although something is missing. Nobody there: no.
func (a *app) beginAllTheSame(ctx context.Context, reply api.MaintenanceReply) bool {
	return reply.Code == api.CodeNotReady && a.canAsk() && a.promptUntil(ctx, "Begin all the same? Type yes: ") == "yes"
}

// notBegun says why a lock is not enough to begin.
func notBegun(code int) *api.Error {
	if code == api.CodeInFlight {
		return api.Errorf(code, "cannot run the command: an action is still in flight")
	}
	return api.Errorf(code, "cannot run the command: what is locked is not ready")
}

// giveUp takes back locks under which nothing was done. One that brought the service down stays: to end it is a decision.
func (a *app) giveUp(ctx context.Context, f *execFlags, refused *api.Error) error {
	targets := joinTargets(lockTargets(f.req))
	if len(f.end.IDs) == 0 || f.req.Stop {
		refused.Message += "; the lock stays"
		return refused.WithNext("supctl maintenance ready " + targets + " asks again; supctl maintenance end " + targets + " gives up")
	}
	_, err := a.endLocks(context.WithoutCancel(ctx), api.MaintenanceEnd{IDs: f.end.IDs, Attached: true, Force: true, WaitS: f.end.WaitS}, nil)
	if err != nil {
		refused.Message += fmt.Sprintf("; the lock stays, for it could not be taken back: %v", err)
		return refused.WithNext("supctl maintenance end " + targets)
	}
	refused.Message += "; nothing was done, and the lock was taken back"
	return refused
}

// endWork tries the service out and ends the locks, if need be after the roll-back.
func (a *app) endWork(ctx context.Context, f *execFlags, w work, code int) error {
	a.leaveTakenUp(ctx, f)
	if len(f.end.IDs) == 0 {
		return commandCode(code)
	}
	reply, err := a.endTried(ctx, f, f.onFail == "")
	if err == nil {
		return a.worked(reply, commandCode(code))
	}
	if !errors.As(err, new(*api.Error)) || api.CodeOf(err) != api.CodeVerify || f.onFail == "" {
		return a.notEnded(f, code, "", err)
	}
	a.note("the try-out failed: %v", clean(err.Error()))
	a.note("taking the work back: %s", clean(f.onFail))
	back := work{argv: []string{"/bin/sh", "-c", f.onFail}, path: "/bin/sh", in: w.in, out: w.out, errs: w.errs, terminal: w.terminal,
		env: append(w.env, fmt.Sprint("SUPD_COMMAND_CODE=", code), "SUPD_REASON="+err.Error())}
	backCode, backErr := back.run()
	switch {
	case backErr != nil:
		return a.notEnded(f, code, "; the roll-back did not run: "+backErr.Error(), err)
	case back.lost:
		a.note("the terminal is gone: the lock stays")
		return commandCode(api.CodeWrapper)
	case backCode != 0: // half-way: nobody but a person can say what this is
		return a.notEnded(f, code, fmt.Sprintf("; the roll-back failed as well, with exit code %d", backCode), err)
	}
	if reply, err = a.endTried(ctx, f, true); err != nil {
		return a.notEnded(f, code, "; after the roll-back, which ended well", err)
	}
	a.note("the work was taken back, and the try-out after that succeeded")
	return a.worked(reply, answered(api.CodeWrapper))
}

// leaveTakenUp takes those locks out of what is to be ended that were asked for again while COMMAND ran: whoever did was told LOCKED,
// and works under them still.
func (a *app) leaveTakenUp(ctx context.Context, f *execFlags) {
	listed, _, err := a.listLocks(ctx, nil)
	if err != nil {
		return // the end looks again, under the gates
	}
	for _, l := range locksOf(listed, f.end.IDs) {
		if !l.Attached {
			a.note("you asked for the lock on %s again meanwhile: it stays; supctl maintenance end %s ends it", clean(l.Target), clean(l.Target))
			f.end.IDs = slices.DeleteFunc(f.end.IDs, func(id string) bool { return id == l.ID })
		}
	}
}

// endTried is `maintenance end` for the locks of this command. ask: a person may be asked for a decision.
func (a *app) endTried(ctx context.Context, f *execFlags, ask bool) (api.MaintenanceReply, error) {
	_, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return api.MaintenanceReply{}, err
	}
	if ask {
		return a.endDecided(ctx, &f.end, why)
	}
	return a.endLocks(ctx, f.end, why)
}

// worked says what is released, and gives the exit code.
func (a *app) worked(reply api.MaintenanceReply, code error) error {
	if err := a.answer(reply, func() { a.writeEnded(reply) }); err != nil {
		return err
	}
	return code
}

// notEnded says what stands when the locks could not be ended: never half-way and silent.
func (a *app) notEnded(f *execFlags, code int, rollBack string, err error) error {
	targets := joinTargets(lockTargets(f.req))
	e := *api.ErrorOf("end the lock on "+targets, a.interrupted("end the lock on "+targets, err))
	e.Message = fmt.Sprintf("the command ended with exit code %d, but: %s%s", code, e.Message, rollBack)
	if !strings.Contains(e.Message, "the lock stays") && e.Code != api.CodeNotFound {
		e.Message += "; the lock stays"
	}
	if e.Next == "" {
		e.Next = "supctl maintenance end " + targets + " when it is well; supctl status " + targets + " shows it"
	}
	return &e
}

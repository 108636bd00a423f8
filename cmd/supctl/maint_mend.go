package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

const maintMendLong = `Repair what "maintenance doctor" found at FILE. Needs the admin role and a reason;
it is recorded.

Nothing is deleted: what stands there is moved to STATE/aside, with a word on who
did it and why. What it held stays held: a lock of your own takes its place before
it goes, and you end that in the ordinary way, with a try-out.`

// maintMendCommand declares `maintenance mend`.
func (a *app) maintMendCommand() *cobra.Command {
	var req api.MaintenanceMend
	wait := duration(lockfile.LockWait)
	cmd := &cobra.Command{
		Use: "mend FILE", Short: "Move a damaged file aside; your lock holds instead", Long: maintMendLong, Args: between(1, 1, "file", "supctl maintenance doctor names those that are damaged, with the command for each"),
		Example: "  supctl maintenance mend /var/lib/supd/locks/service/db/x.toml~ -m \"an editor's backup\"",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Reason == "" {
				return usage("mending needs a reason: -m TEXT")
			}
			if req.File, err = filepath.Abs(args[0]); err != nil {
				return err
			}
			req.NewID, req.WaitS = lockfile.NewID(), waitSeconds(wait)
			reply, err := a.mend(cmd.Context(), req)
			if err != nil {
				return a.interrupted("mend "+req.File, err)
			}
			if err := a.answer(reply, func() { a.writeMended(req.File, reply) }); err != nil {
				return err
			}
			return code(reply.Code)
		},
	}
	cmd.Flags().StringVarP(&req.Reason, "reason", "m", "", "why: everybody sees it")
	cmd.Flags().Var(&wait, "wait", "how long to wait for what is in flight")
	return cmd
}

// mend asks the daemon, and else does it on the files.
func (a *app) mend(ctx context.Context, req api.MaintenanceMend) (reply api.MaintenanceReply, err error) {
	c, err := a.client()
	if err == nil {
		err = a.watched(func(show api.Progress) (err error) {
			reply, err = c.MaintenanceMend(ctx, req, show)
			return err
		})
	}
	if err == nil || !api.IsUnreachable(err) {
		return reply, err
	}
	d, err := a.toMend(req.File, err)
	if err != nil {
		return reply, err
	}
	err = a.watched(func(show api.Progress) (err error) {
		reply, err = d.mend(ctx, req, show)
		return err
	})
	return reply, err
}

// toMend opens the state directory as far as that takes: what is to be mended may be what keeps everything else from opening it.
func (a *app) toMend(file string, why error) (*direct, error) {
	d, why, err := a.direct(why, false)
	if err == nil {
		return d, nil
	}
	path, perr := a.stateDir()
	me, werr := who.Self()
	if perr == nil && werr == nil {
		if dir, oerr := lockfile.OpenToMend(path, lockfile.Options{}); oerr == nil {
			return &direct{a: a, dir: dir, me: me, why: why, config: a.configPath()}, nil
		}
	}
	return nil, directFailed("mend "+file, why, err)
}

// mend is `maintenance mend`. Who may is a matter of file permissions here.
func (d *direct) mend(ctx context.Context, req api.MaintenanceMend, show api.Progress) (api.MaintenanceReply, error) {
	defer ignoreStop()()
	m, err := d.dir.Mend(ctx, lockfile.MendRequest{
		Path: req.File, NewID: req.NewID, Owner: d.me, Reason: req.Reason, Wait: api.Seconds(req.WaitS), Config: d.plan,
		Progress: func(f lockfile.InFlight) { show("waiting for " + f.String()) },
	})
	var inFlight *lockfile.InFlightError
	if err != nil && (!errors.As(err, &inFlight) || m.Lock == nil) {
		return api.MaintenanceReply{}, api.ErrorOf("mend "+req.File, err)
	}
	reply := api.MendReply(d.view(), m)
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
	}
	reply.Notes = append(reply.Notes, d.note("done"))
	return reply, nil
}

// writeMended says what became of the file.
func (a *app) writeMended(file string, r api.MaintenanceReply) {
	a.say("mended: %s", clean(file))
	for _, l := range r.Locks {
		a.say("%s %s", heading(r.Code), a.lockLine(l))
	}
	for _, f := range r.InFlight {
		a.say("  in flight: %s", clean(f.Text))
	}
	for _, n := range r.Notes {
		a.note("  %s", clean(n))
	}
}

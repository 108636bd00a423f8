package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// maintCheckCommand declares `maintenance check`. One target only: a script that
// asks about several wants to know which.
func (a *app) maintCheckCommand() *cobra.Command {
	var t targets
	cmd := &cobra.Command{
		Use: "check TARGET", Short: "Is it free? For scripts", Long: "Exit code 0 if no lock covers TARGET, 4 if one does, 8 if that cannot be told:\ntreat it as locked.",
		Example: "  supctl maintenance check db -q || exit 0\n  supctl maintenance check @web",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, true)
			if err != nil {
				return err
			}
			if len(names) != 1 {
				return usage("cannot check %d targets at once: name one", len(names))
			}
			return a.maintCheck(cmd.Context(), names[0])
		},
	}
	t.on(a, cmd)
	return cmd
}

// maintCheck answers by its exit code: 0 free, 4 locked, 8 unknown, 3 for a name
// that does not exist.
func (a *app) maintCheck(ctx context.Context, target string) error {
	r, err := a.checkTarget(ctx, target)
	if err != nil {
		return err
	}
	return a.checked(r)
}

// checkTarget asks the daemon, and else reads the files. What keeps it from
// reading them makes the answer "unknown", not an error of another kind.
func (a *app) checkTarget(ctx context.Context, target string) (r api.MaintenanceCheck, err error) {
	c, err := a.client()
	if err == nil {
		r, err = c.MaintenanceCheck(ctx, target)
	}
	if err == nil || !api.IsUnreachable(err) {
		return r, err
	}
	d, why, err := a.direct(err, false)
	if err != nil {
		e := directFailed("tell whether "+target+" is locked", why, err)
		return r, api.Errorf(api.CodeUnknown, "%s", e.Message).WithNext("treat it as locked")
	}
	return d.check(target)
}

// orUnknown is what to say where a command found nothing on targets: that one of them is the name of nothing, and what may have
// been meant; else what the command says itself.
func (a *app) orUnknown(ctx context.Context, said error, targets ...string) error {
	if said != nil && api.CodeOf(said) != api.CodeNotFound {
		return said
	}
	for _, t := range targets {
		if _, err := a.checkTarget(ctx, t); api.CodeOf(err) == api.CodeNotFound {
			return err
		}
	}
	return said
}

// checked shows the answer. Holds besides locks are shown and do not count: a
// service that is stopped is free to be worked on.
func (a *app) checked(r api.MaintenanceCheck) error {
	err := a.answer(r, func() {
		if a.flags.quiet {
			return
		}
		switch r.Code {
		case api.CodeDone:
			a.say("%s: free", clean(r.Target))
		case api.CodeHeld:
			a.say("%s: locked", clean(r.Target))
		default:
			a.say("%s: cannot be told, treat it as locked", clean(r.Target))
		}
		for _, l := range r.Locks {
			a.say("  %s", a.lockLine(l))
		}
		for _, h := range r.Holds {
			if h.Kind != "lock" || h.LockID == "" {
				a.say("  %s", clean(holdText(h)))
			}
		}
	})
	if err != nil {
		return err
	}
	return code(r.Code)
}

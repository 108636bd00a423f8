package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

const maintDoctorLong = `What is wrong with locks and holds, and with the directory that they are in:
damaged files, files of a newer version or in the wrong place, wrong owners and
modes, gates that nobody can pass, actions that nobody lives to finish, locks and
holds of what is configured no more, and locks whose takers are gone. Each with
the one command that mends it, and what that does. Nothing is changed by looking.

Exit code 0 if nothing is wrong, 1 if something is, 8 if something cannot be read:
what it covers counts as locked.`

// maintDoctorCommand declares `maintenance doctor`. It works where nothing else does: without the daemon, and without a
// marker.
func (a *app) maintDoctorCommand() *cobra.Command {
	var t targets
	cmd := &cobra.Command{
		Use: "doctor [TARGET…]", Short: "What is wrong with locks, and the command for it", Long: maintDoctorLong,
		Example: "  supctl maintenance doctor\n  supctl maintenance doctor db -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := t.of(args, false)
			if err != nil {
				return err
			}
			r, err := a.examine(cmd.Context(), names)
			if err != nil {
				return err
			}
			if len(r.Findings) == 0 {
				if err := a.orUnknown(cmd.Context(), nil, names...); err != nil {
					return err
				}
			}
			for i, f := range r.Findings {
				r.Findings[i].Command = a.asTyped(f.Command)
			}
			if err := a.answer(r, func() { a.writeFindings(r) }); err != nil {
				return err
			}
			return code(r.Code)
		},
	}
	t.on(a, cmd)
	return cmd
}

// examine asks the daemon, and else looks at the files.
func (a *app) examine(ctx context.Context, targets []string) (r api.DoctorReply, err error) {
	c, err := a.client()
	if err == nil {
		r, err = c.Doctor(ctx, targets)
	}
	if err == nil || !api.IsUnreachable(err) {
		return r, err
	}
	d, why, derr := a.direct(err, false)
	if derr != nil { // a directory that nothing else can be done with is just what a doctor is for
		path, perr := a.stateDir()
		if perr != nil {
			return r, perr
		}
		dir, xerr := lockfile.Examinable(path, lockfile.Options{})
		if xerr != nil {
			return r, directFailed("examine the state directory", why, derr)
		}
		d = &direct{a: a, dir: dir, why: why, config: a.configPath()}
	}
	a.hint("%s; read from the lock files", clean(why.Error()))
	return api.Doctor(d.dir, d.view(), true, targets), nil
}

// asTyped gives a command of ours the flags that this one was given to find the same supd.
func (a *app) asTyped(command string) string {
	rest, ours := strings.CutPrefix(command, "supctl ")
	if !ours {
		return command
	}
	words := []string{"supctl"}
	for _, f := range [...]struct{ flag, value string }{
		{"--socket", a.flags.socket}, {"--config", a.flags.config}, {"--state-dir", a.flags.stateDir},
	} {
		if f.value != "" && !strings.HasPrefix(rest, f.flag+" ") {
			words = append(words, f.flag, api.ShellQuote(f.value))
		}
	}
	return strings.Join(append(words, rest), " ")
}

// writeFindings writes what is wrong, where, and what to type.
func (a *app) writeFindings(r api.DoctorReply) {
	if len(r.Findings) == 0 {
		a.say("nothing is wrong")
		return
	}
	for _, f := range r.Findings {
		on := f.Target
		if on != "" {
			on += ": "
		}
		p := yellow
		if f.Holds {
			p = red
		}
		head := clean(f.Trouble + "  " + on + f.Text)
		if f.Holds {
			head += " (counts as locked)"
		}
		a.say("%s", painted(cell{head, p}, a.colour()))
		if f.File != "" {
			a.say("    %s", clean(f.File))
		}
		a.say("  → %s", clean(f.Command))
		a.say("    %s", clean(f.Does))
	}
}

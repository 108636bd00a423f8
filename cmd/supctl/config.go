package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check, compare and show the config", RunE: missing, Args: noSuchCommand,
		Example: "  supctl config check\n  supctl config diff\n  supctl config show",
	}
	cmd.AddCommand(a.configCheckCommand(), a.configDiffCommand(), a.configShowCommand())
	return cmd
}

// configChecked is `config check -o json`.
type configChecked struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Mistakes []string `json:"mistakes"`
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Find every mistake in the config", Args: cobra.MaximumNArgs(1),
		Long:    "Read the config as supd does and print every mistake as FILE:LINE: message. Exit\ncode 1 if there is one. Asks no daemon and changes nothing.",
		Example: "  supctl config check\n  supctl config check ./supd.toml",
		RunE: func(_ *cobra.Command, args []string) error {
			path := a.configPath()
			if len(args) == 1 {
				path = args[0]
			}
			_, mistakes := configs.Load(path, configs.Options{StateDir: a.flags.stateDir})
			r := configChecked{File: path, OK: len(mistakes) == 0, Mistakes: []string{}}
			for _, m := range mistakes {
				r.Mistakes = append(r.Mistakes, m.String())
			}
			if err := a.answer(r, func() { a.writeChecked(r) }); err != nil || r.OK {
				return err
			}
			return code(api.CodeFailed)
		},
	}
}

func (a *app) writeChecked(r configChecked) {
	for _, m := range r.Mistakes {
		a.say("%s", clean(m))
	}
	if r.OK && !a.flags.quiet {
		a.say("%s: no mistakes", clean(r.File))
	}
}

func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [SERVICE]", Short: "The config in force, with every default", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeService,
		Long:    "The config in force, with every default spelled out and secrets masked. Without\nthe daemon, or for one service, the files are read.",
		Example: "  supctl config show\n  supctl config show db",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.showConfigOf(args[0])
			}
			r, err := a.configInForce(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(r, func() { a.say("%s", cleanText(r.Text)) })
		},
	}
}

func (a *app) configInForce(ctx context.Context) (r api.ConfigReply, err error) {
	err = a.ask("show the config", func(c *api.Client) (err error) {
		r, err = c.Config(ctx)
		return err
	})
	if api.CodeOf(err) != api.CodeUnreachable {
		return r, err
	}
	plan, mistakes := configs.Load(a.configPath(), configs.Options{StateDir: a.flags.stateDir})
	if len(mistakes) > 0 {
		return r, mistaken(a.configPath(), mistakes)
	}
	a.hint("%s; read from %s", clean(err.Error()), clean(a.configPath()))
	return api.ConfigReply{Text: plan.Effective(), Files: plan.Files}, nil
}

func (a *app) showConfigOf(service string) error {
	plan, mistakes := configs.Load(a.configPath(), configs.Options{StateDir: a.flags.stateDir})
	if len(mistakes) > 0 {
		return mistaken(a.configPath(), mistakes)
	}
	text := plan.EffectiveService(service)
	if text == "" {
		return api.Errorf(api.CodeNotFound, "cannot show the config of %q: %s has no service of that name", service, a.configPath()).WithNext("supctl status")
	}
	return a.answer(api.ConfigReply{Text: text, Files: plan.Files}, func() { a.say("%s", cleanText(text)) })
}

func mistaken(path string, ms configs.Mistakes) error {
	text := fmt.Sprintf("cannot read the config %s: %s", path, ms[0])
	if n := len(ms) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return api.Errorf(api.CodeFailed, "%s", text).WithNext("supctl config check " + shellQuote(path))
}

func (a *app) configDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff", Short: "What a reload would do", Args: cobra.NoArgs,
		Long:    "What a reload would do, service by service: the files against the config in\nforce. Without the daemon: names and identities, against the plan it left.",
		Example: "  supctl config diff",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.DiffReply
			err := a.ask("compare configs", func(c *api.Client) (err error) {
				r, err = c.ConfigDiff(cmd.Context())
				return err
			})
			if api.CodeOf(err) == api.CodeUnreachable {
				r, err = a.diffFromFiles(err)
			}
			if err != nil {
				return err
			}
			if err := a.answer(r, func() { a.writeDiff(r) }); err != nil {
				return err
			}
			if len(r.Mistakes) > 0 {
				return code(api.CodeFailed)
			}
			return nil
		},
	}
}

func (a *app) writeDiff(r api.DiffReply) {
	for _, m := range slices.Concat(r.Mistakes, r.Warnings) {
		a.say("%s", clean(m))
	}
	if len(r.Mistakes) > 0 {
		return
	}
	a.writeChanges(r.Changes)
	if len(r.Changes) == 0 {
		a.say("no difference")
	}
}

// changeMark stands before a change, as in a diff.
func changeMark(kind string) cell {
	switch kind {
	case "added":
		return cell{"+", green}
	case "removed":
		return cell{"-", red}
	}
	return cell{"~", yellow}
}

func (a *app) writeChanges(cs []api.Change) {
	for _, c := range cs {
		text := c.Text
		if c.Locked {
			text += " (locked: not touched)"
		}
		name := c.Service
		if name == "" {
			name = "supd"
		}
		a.say("%s %s: %s", painted(changeMark(c.Kind), a.colour()), clean(name), clean(text))
	}
}

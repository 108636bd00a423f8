package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
)

// configCommand declares the family `config`, all of which works without the daemon.
func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check, compare and show the config", RunE: missing, Args: noSuchCommand,
		Example: "  supctl config check\n  supctl config diff\n  supctl config show",
	}
	cmd.AddCommand(a.configCheckCommand(), a.configDiffCommand(), a.configShowCommand(), a.configSchemaCommand())
	return cmd
}

// configChecked is `config check -o json`.
type configChecked struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Mistakes []string `json:"mistakes"`
}

// configCheckCommand declares `config check`. It never asks the daemon: what is
// checked is the file that somebody is about to put in force, as the same reader
// sees it that supd uses, --state-dir included.
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

// writeChecked prints the mistakes as the answer, on standard output: editors and
// scripts read FILE:LINE from there.
func (a *app) writeChecked(r configChecked) {
	for _, m := range r.Mistakes {
		a.say("%s", clean(m))
	}
	if r.OK && !a.flags.quiet {
		a.say("%s: no mistakes", clean(r.File))
	}
}

// configShowCommand declares `config show`. Secrets are masked by configs, wherever
// the text comes from.
func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [SERVICE]", Short: "The config in force, with every default", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeService,
		Long: `The config in force, with every default spelled out, secrets masked, and behind
each value where it comes from: FILE:LINE, the table it is inherited from, a flag,
or "default" and what made it so. The text is a config again. Without the daemon
the files are read.`,
		Example: "  supctl config show\n  supctl config show db",
		RunE: func(cmd *cobra.Command, args []string) error {
			service := ""
			if len(args) == 1 {
				service = args[0]
			}
			r, err := a.configInForce(cmd.Context(), service)
			if err != nil {
				return err
			}
			return a.answer(r, func() { a.say("%s", cleanText(r.Text)) })
		},
	}
}

// configInForce is the running config, or, without the daemon, what the file would
// become: the hint says which. Mistakes in the file are an error then.
func (a *app) configInForce(ctx context.Context, service string) (r api.ConfigReply, err error) {
	err = a.ask("show the config", func(c *api.Client) (err error) {
		r, err = c.Config(ctx, service)
		return err
	})
	// A refusal (a viewer may not see the config) is an answer, and no reason to go round it through the file.
	if api.CodeOf(err) != api.CodeUnreachable {
		return r, err
	}
	plan, mistakes := configs.Load(a.configPath(), configs.Options{StateDir: a.flags.stateDir})
	if len(mistakes) > 0 {
		return r, mistaken(a.configPath(), mistakes)
	}
	a.hint("%s; read from %s", clean(err.Error()), clean(a.configPath()))
	if service != "" && plan.Services[service] == nil {
		return r, api.Errorf(api.CodeNotFound, "cannot show the config of %q: %s has no service of that name", service, a.configPath()).WithNext("supctl config check")
	}
	r = api.ConfigReply{Files: plan.Files}
	r.Show(plan, service)
	return r, nil
}

// mistaken is the error for a config that could not be read: the first mistake, how
// many more there are, and the command that shows all.
func mistaken(path string, ms configs.Mistakes) error {
	text := fmt.Sprintf("cannot read the config %s: %s", path, ms[0])
	if n := len(ms) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return api.Errorf(api.CodeFailed, "%s", text).WithNext("supctl config check " + api.ShellQuote(path))
}

// configDiffCommand declares `config diff`. A difference is no failure: exit code 0;
// 1 is for a file with mistakes, of which no difference can be told.
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

// writeDiff shows what a reload would do. With mistakes there are no changes to be
// shown: such a file changes nothing.
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

package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/lockfile"
)

// targets are the arguments TARGET… and the flag --all of a command.
type targets struct{ all bool }

// on declares --all and the completion of names.
func (t *targets) on(a *app, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.all, "all", false, "everything on this host")
	cmd.ValidArgsFunction = a.completeTargets
}

// of is what was named, each once and in the form of ParseTarget. Naming nothing
// is an error only if something is needed.
func (t *targets) of(args []string, need bool) ([]string, error) {
	var out []string
	for _, arg := range args {
		target, err := lockfile.ParseTarget(arg)
		if err != nil {
			return nil, usage("%v", err)
		}
		// Twice the same name is one target: two locks with two ids would need two ends.
		if s := target.String(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if t.all {
		out = append(out, lockfile.HostTarget().String())
	}
	if need && len(out) == 0 {
		return nil, usage("no target: name a service, @group or --all")
	}
	return out, nil
}

// completeWait bounds completion: a shell waits for it.
const completeWait = time.Second

// completeTargets offers the names of services and groups that the daemon knows.
func (a *app) completeTargets(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	names := a.knownTargets(cmd.Context())
	return slices.DeleteFunc(names, func(n string) bool {
		return !strings.HasPrefix(n, typed) || slices.Contains(args, n)
	}), cobra.ShellCompDirectiveNoFileComp
}

// completeService offers services, for a command that takes one.
func (a *app) completeService(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, directive := a.completeTargets(cmd, args, typed)
	return slices.DeleteFunc(names, func(n string) bool { return n[0] == '@' }), directive
}

// knownTargets are the names of all services and groups, none if no daemon answers
// in time.
func (a *app) knownTargets(ctx context.Context) []string {
	c, err := a.client()
	if err != nil {
		return nil
	}
	// The library completes without a context when it is asked by the shell.
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWait)
	defer cancel()
	reply, err := c.Status(ctx, nil)
	if err != nil {
		return nil // a completion has nobody to complain to
	}
	var names []string
	for _, s := range reply.Services {
		names = append(names, s.Name)
		for _, g := range s.Groups {
			names = append(names, "@"+g)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

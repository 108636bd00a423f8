package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// maintShowCommand declares `maintenance show`.
func (a *app) maintShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Everything about one lock", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeLockIDs,
		Long:    "Everything about one lock. The beginning of its id is enough.",
		Example: "  supctl maintenance show 7qk2",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, _, err := a.oneLock(cmd.Context(), "show", args[0])
			if err != nil {
				return err
			}
			return a.answer(l, func() { a.writeLock(l) })
		},
	}
}

// oneLock finds a lock by its id or the beginning of it. why says that no daemon
// answered. A lock whose file is damaged has nothing but id, target and file.
func (a *app) oneLock(ctx context.Context, verb, id string) (l api.Lock, why error, err error) {
	r, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return l, why, err
	}
	var found []api.Lock
	for _, l := range r.Locks {
		if l.ID == id {
			return l, why, nil
		}
		if strings.HasPrefix(l.ID, id) {
			found = append(found, l)
		}
	}
	// A damaged lock can be shown and broken, too: its name is its id, its place is its target.
	for _, b := range r.Unreadable {
		name, isLock := strings.CutSuffix(filepath.Base(b.File), ".toml")
		if isLock && strings.Contains(b.File, "/locks/") && strings.HasPrefix(name, id) {
			found = append(found, api.Lock{ID: name, Target: b.Target, File: b.File, Reason: "(damaged: " + b.Reason + ")"})
		}
	}
	switch len(found) {
	case 1:
		return found[0], why, nil
	case 0:
		return l, why, api.Errorf(api.CodeNotFound, "cannot %s lock %q: there is none of that id", verb, id).WithNext("supctl maintenance list")
	}
	return l, why, api.Errorf(api.CodeUsage, "cannot %s lock %q: %d locks begin so", verb, id, len(found)).WithNext("supctl maintenance list")
}

// writeLock describes a lock with everything the kernel knew of who took it, and
// the file, for who wants to see it with cat.
func (a *app) writeLock(l api.Lock) {
	login := ""
	if l.LoginUID != nil {
		login = number(int(*l.LoginUID))
	}
	a.facts(fact{"lock", l.ID}, fact{"target", l.Target}, fact{"owner", ownerWithTTY(l)}, fact{"reason", l.Reason}, fact{"ticket", l.Ticket},
		fact{"since", strings.Join(notEmpty(a.clock(l.Since), a.since(l.Since)+" ago"), ", ")}, fact{"until", a.maybeClock(l.Until)}, fact{"state", lockState(l).text},
		fact{"covers", strings.Join(l.Members, " ")}, fact{"uid", number(int(l.UID))}, fact{"login uid", login}, fact{"session", l.Session},
		fact{"from", l.Remote}, fact{"by pid", number(l.PID)}, fact{"host", l.Host}, fact{"replaces", l.Replaces}, fact{"file", l.File})
}

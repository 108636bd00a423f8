package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

// maintShowCommand declares `maintenance show`.
func (a *app) maintShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Everything about one lock", Args: oneLockID(), ValidArgsFunction: a.completeLockIDs,
		Long:    "Everything about one lock. The beginning of its id is enough.",
		Example: "  supctl maintenance show 7qk2",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, damage, _, err := a.oneLock(cmd.Context(), "show", args[0])
			if err != nil {
				return err
			}
			if err := a.answer(l, func() { a.writeLock(l) }); err != nil {
				return err
			}
			return inDoubt("show all of lock "+l.ID, damage)
		},
	}
}

// oneLock finds a lock by its id or the beginning of it. why says that no daemon
// answered. A lock whose file cannot be read has nothing but id, target and file; damage is that file.
func (a *app) oneLock(ctx context.Context, verb, id string) (l api.Lock, damage []api.BadLock, why error, err error) {
	r, why, err := a.listLocks(ctx, nil)
	if err != nil {
		return l, nil, why, err
	}
	l, damage, err = pickLock(verb, id, r)
	return l, damage, why, err
}

// pickLock is oneLock among those that were listed.
func pickLock(verb, id string, r api.LocksReply) (l api.Lock, damage []api.BadLock, err error) {
	var found []api.Lock
	for _, l := range r.Locks {
		if l.ID == id {
			return l, nil, nil
		}
		if strings.HasPrefix(l.ID, id) {
			found = append(found, l)
		}
	}
	// A damaged lock can be shown and broken, too: its name is its id, its place is its target.
	for _, b := range r.Unreadable {
		if name, ok := damagedID(b); ok && strings.HasPrefix(name, id) {
			found = append(found, api.Lock{ID: name, Target: b.Target, File: b.File, Reason: "(damaged: " + b.Reason + ")"})
			damage = append(damage, b)
		}
	}
	switch len(found) {
	case 1:
		return found[0], damage, nil
	case 0:
		// It may be the one that cannot be read: without its directory no id is there.
		if unplaced := badOn(r.Unreadable, ""); len(unplaced) > 0 {
			return l, nil, inDoubt(verb+" lock "+strconv.Quote(id), unplaced)
		}
		return l, nil, api.Errorf(api.CodeNotFound, "cannot %s lock %q: there is none of that id", verb, id).WithNext(listHint(id, r.Locks))
	}
	return l, nil, api.Errorf(api.CodeUsage, "cannot %s lock %q: %d locks begin so", verb, id, len(found)).WithNext("supctl maintenance list")
}

// listHint is where the right id is to be seen: people type the target.
func listHint(said string, locks []api.Lock) string {
	if slices.ContainsFunc(locks, func(l api.Lock) bool { return l.Target == said }) {
		return "it is a target: the ids of its locks are in supctl maintenance list " + said
	}
	return "supctl maintenance list"
}

// writeLock describes a lock with everything the kernel knew of who took it, and
// the file, for who wants to see it with cat.
func (a *app) writeLock(l api.Lock) {
	uid, login := fmt.Sprint(l.UID), "none: uid "+fmt.Sprint(l.UID)+" counts"
	switch {
	case l.Owner == "": // of a damaged lock nothing is known
		uid, login = "", ""
	case l.LoginUID != nil:
		login = fmt.Sprint(*l.LoginUID)
	}
	from := l.Remote
	if from != "" {
		from += ", as SSH_CONNECTION claims"
	}
	a.facts(fact{"lock", l.ID}, fact{"target", l.Target}, fact{"owner", ownerWithTTY(l)}, fact{"reason", l.Reason}, fact{"ticket", l.Ticket},
		fact{"since", strings.Join(notEmpty(a.clock(l.Since), a.since(l.Since)+" ago"), ", ")}, fact{"until", a.maybeClock(l.Until)}, fact{"state", lockState(l).text}, fact{"abandoned", l.AbandonedWhy},
		fact{"covers", strings.Join(l.Members, " ")}, fact{"uid", uid}, fact{"login uid", login}, fact{"session", l.Session},
		fact{"from", from}, fact{"by pid", number(l.PID)}, fact{"host", l.Host}, fact{"replaces", l.Replaces}, fact{"offer", a.offerText(l)}, fact{"file", l.File})
	for _, n := range l.NotReady {
		a.say("  to fix: %s", clean(n))
	}
	for _, v := range l.StartedUnderLock {
		a.say("started under lock: %s", clean(v.String()))
	}
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// listLocks lists locks, from the daemon or, where none answers, from the files.
// why is then what kept the daemon from answering.
func (a *app) listLocks(ctx context.Context, targets []string) (r api.LocksReply, why error, err error) {
	return a.locksBy(ctx, targets, (*api.Client).Locks)
}

// locksBy is listLocks with another way to ask.
func (a *app) locksBy(ctx context.Context, targets []string, ask func(*api.Client, context.Context, []string) (api.LocksReply, error)) (r api.LocksReply, why error, err error) {
	c, err := a.client()
	if err == nil {
		r, err = ask(c, ctx, targets)
	}
	if err == nil || !api.IsUnreachable(err) {
		return r, nil, err
	}
	d, why, err := a.direct(err, false)
	if err != nil {
		return r, why, directFailed("list locks", why, err)
	}
	r, err = d.list(targets)
	return r, why, err
}

// ownLocks resolves targets to the ids of the caller's own locks, because what
// changes locks goes by id: a request that a hung daemon works off late must not
// hit a newer lock. Per target: this session's; where it has none, the one that
// the same login took elsewhere. all is every one of the same login.
func (a *app) ownLocks(ctx context.Context, verb string, listed api.LocksReply, targets []string, all bool) ([]string, error) {
	me, err := who.Self()
	if err != nil {
		return nil, err
	}
	if all && len(targets) == 0 {
		return a.everyOwn(verb, listed, me)
	}
	var ids []string
	for _, t := range targets {
		own, err := ownOn(verb, t, listed, me, all)
		if err != nil {
			return nil, a.orUnknown(ctx, err, t)
		}
		for _, l := range own {
			ids = append(ids, l.ID)
		}
	}
	return ids, nil
}

// ownByID is the caller's own lock with an id, in whatever session it was taken.
func ownByID(verb string, listed api.LocksReply, id string) ([]string, error) {
	me, err := who.Self()
	if err != nil {
		return nil, err
	}
	l, damage, err := pickLock(verb, id, listed)
	if err != nil {
		return nil, err
	}
	if len(damage) > 0 {
		return nil, inDoubt(verb+" lock "+l.ID, damage)
	}
	if !l.Mine && !sameLogin(l, me) {
		return nil, api.Errorf(api.CodeHeld, "cannot %s lock %s on %s: it is not yours but belongs to %s", verb, l.ID, l.Target, l.Owner).
			WithNext("ask them, or, if they cannot be reached: supctl maintenance break " + l.ID + " -m REASON")
	}
	return []string{l.ID}, nil
}

// everyOwn is --mine without a target. CodeNotFound if there is none: a script that
// ends its own locks wants to know that it had none.
func (a *app) everyOwn(verb string, listed api.LocksReply, me lockfile.Owner) (ids []string, err error) {
	for _, l := range listed.Locks {
		if sameLogin(l, me) {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	if err := inDoubt("tell whether a lock is yours", maybeLocks(listed.Unreadable)); err != nil {
		return nil, err
	}
	return nil, api.Errorf(api.CodeNotFound, "cannot %s locks of %s: there are none", verb, me.Name).WithNext("supctl maintenance list")
}

// ownOn picks from the locks on one target; listed are all there are, to tell why
// nothing was found.
func ownOn(verb, target string, listed api.LocksReply, me lockfile.Owner, all bool) ([]api.Lock, error) {
	on := slices.DeleteFunc(slices.Clone(listed.Locks), func(l api.Lock) bool { return l.Target != target })
	bad := badOn(listed.Unreadable, target)
	session := slices.DeleteFunc(slices.Clone(on), func(l api.Lock) bool { return !l.Mine })
	login := slices.DeleteFunc(slices.Clone(on), func(l api.Lock) bool { return !l.Mine && !sameLogin(l, me) })
	switch {
	// --mine was said: every session of the same person.
	case all && len(login) > 0:
		return login, nil
	// The ordinary case: taken and ended in one login.
	case len(session) > 0:
		return session, nil
	// Taken in another terminal, yesterday, before the connection broke: there is no doubt which one.
	case len(login) == 1:
		return login, nil
	// Two people may share the account. Guessing could release a database under somebody's hands.
	case len(login) > 1:
		next := "--mine takes them all; supctl maintenance list shows them"
		if verb == "end" {
			next = "--id ID takes one of them, " + next
		}
		return nil, api.Errorf(api.CodeVerify, "cannot tell which lock on %s is meant: you hold %d, none of them from this session", target, len(login)).WithNext(next)
	// The one that cannot be read may be theirs: to say "there is none" would call it free.
	case len(bad) > 0:
		return nil, inDoubt(verb+" the lock on "+target, bad)
	case len(on) > 0:
		return nil, api.Errorf(api.CodeHeld, "cannot %s the lock on %s: it is not yours but belongs to %s", verb, target, owners(on)).
			WithNext("ask them, or, if they cannot be reached: supctl maintenance break " + on[0].ID + " -m REASON")
	}
	e := api.Errorf(api.CodeNotFound, "cannot %s the lock on %s: there is none", verb, target)
	for _, l := range listed.Locks {
		if slices.Contains(l.Members, target) || l.Target == "--all" {
			return nil, e.WithNext("it is covered by the lock of " + l.Owner + " on " + l.Target + ": supctl maintenance show " + l.ID)
		}
	}
	var targets []string
	for _, l := range listed.Locks {
		targets = append(targets, l.Target)
	}
	if near := configs.Nearest(target, targets); near != "" {
		return nil, e.WithNext(fmt.Sprintf("did you mean %q? supctl maintenance list", near))
	}
	return nil, e.WithNext("supctl maintenance list")
}

// sameLogin compares as lockfile.Owner.SameLogin does.
func sameLogin(l api.Lock, me lockfile.Owner) bool {
	o := lockfile.Owner{UID: int64(l.UID), LoginUID: lockfile.NoLogin}
	if l.LoginUID != nil {
		o.LoginUID = int64(*l.LoginUID)
	}
	return o.SameLogin(me)
}

// owners names who holds locks, each once.
func owners(locks []api.Lock) string {
	var names []string
	for _, l := range locks {
		if !slices.Contains(names, l.Owner) {
			names = append(names, l.Owner)
		}
	}
	return strings.Join(names, ", ")
}

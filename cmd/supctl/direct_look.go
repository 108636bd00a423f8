package main

import (
	"slices"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// list is `maintenance list`: the locks on targets (none = all), those included
// that cover them as part of something larger.
func (d *direct) list(targets []string) (api.LocksReply, error) {
	found := d.dir.Locks()
	view := d.view()
	r := api.LocksReply{Locks: []api.Lock{}, Unreadable: api.BadLocks(append(found.Unreadable, d.dir.Doubts()...))}
	for _, l := range view.Locks(found.Locks) {
		if len(targets) == 0 || slices.ContainsFunc(targets, func(t string) bool { return concerns(l, t) }) {
			r.Locks = append(r.Locks, l)
		}
	}
	return r, nil
}

// concerns tells whether a lock is on a target or covers it. Everything concerns
// --all.
func concerns(l api.Lock, target string) bool {
	return target == "--all" || l.Target == "--all" || l.Target == target || slices.Contains(l.Members, strings.TrimPrefix(target, "@"))
}

// check is `maintenance check`.
func (d *direct) check(name string) (api.MaintenanceCheck, error) {
	t, err := lockfile.ParseTarget(name)
	if err != nil {
		return api.MaintenanceCheck{}, usage("%v", err)
	}
	if err := d.known("check", t); err != nil {
		return api.MaintenanceCheck{}, err
	}
	cover, err := d.coverOf(t)
	if err != nil {
		return api.MaintenanceCheck{}, api.Errorf(api.CodeUnknown, "cannot tell whether %s is locked: %v", t, err).WithNext("treat it as locked")
	}
	view := d.view()
	r := api.MaintenanceCheck{Target: t.String(), Locked: len(cover.Locks) > 0, Locks: view.Locks(cover.Locks), Holds: api.HoldsOf(cover, view.Now, view.Gone)}
	// A lock that can be read is certain, whatever lies beside it.
	switch {
	case r.Locked:
		r.Code = api.CodeHeld
	case len(cover.Unreadable) > 0:
		r.Code = api.CodeUnknown
	}
	return r, nil
}

// coverOf is what covers any service of a target, or hangs on the target itself.
func (d *direct) coverOf(t lockfile.Target) (lockfile.Cover, error) {
	// One service: exactly what the gate would read.
	if t.Kind == lockfile.TargetService {
		return d.dir.Barred([]string{t.Name})[t.Name], nil
	}
	config, _ := d.plan()
	r, err := d.dir.Resolve(t, &config)
	if err != nil {
		return lockfile.Cover{}, err
	}
	names := make([]string, 0, len(r.Members))
	for name := range r.Members {
		names = append(names, name)
	}
	slices.Sort(names)
	all := d.dir.Locks()
	sum := lockfile.Cover{Unreadable: all.Unreadable}
	for _, l := range all.Locks {
		if t.Kind == lockfile.TargetHost || l.Target == t || l.Target.Kind == lockfile.TargetHost {
			sum.Locks = append(sum.Locks, l)
		}
	}
	// Members too: a lock on db makes @data not free.
	covers := d.dir.Barred(names)
	for _, name := range names {
		sum = union(sum, covers[name])
	}
	return sum, nil
}

// union adds to sum what of c is not in it.
func union(sum, c lockfile.Cover) lockfile.Cover {
	for _, l := range c.Locks {
		if !slices.ContainsFunc(sum.Locks, func(o lockfile.Lock) bool { return o.ID == l.ID }) {
			sum.Locks = append(sum.Locks, l)
		}
	}
	for _, u := range c.Unreadable {
		if !slices.ContainsFunc(sum.Unreadable, func(o lockfile.Unreadable) bool { return o.Path == u.Path }) {
			sum.Unreadable = append(sum.Unreadable, u)
		}
	}
	sum.Holds = append(sum.Holds, c.Holds...)
	return sum
}

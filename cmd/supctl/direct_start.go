package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/lockfile"
)

// start is `maintenance start`.
func (d *direct) start(ctx context.Context, req api.MaintenanceStart, show api.Progress) (api.MaintenanceReply, error) {
	doing := "lock " + joinTargets(lockTargets(req))
	lr := lockfile.LockRequest{
		Owner: d.me, Reason: req.Reason, Ticket: req.Ticket, MeantDown: req.Stop, Attached: req.Attached, Wait: api.Seconds(req.WaitS), Config: d.plan,
		Progress: func(f lockfile.InFlight) { show("waiting for " + f.String()) },
	}
	// All names are judged before anything is written: all or none.
	for _, l := range req.Locks {
		t, err := lockfile.ParseTarget(l.Target)
		if err != nil {
			return api.MaintenanceReply{}, usage("%v", err)
		}
		if err := d.known("lock", t); err != nil {
			return api.MaintenanceReply{}, err
		}
		lr.IDs, lr.Targets = append(lr.IDs, l.ID), append(lr.Targets, t)
	}
	// Before the lock, so that what is not ready stands in the file from its first moment: one write, not two.
	isolation := d.isolation(ctx, lr.Targets)
	var found doctor.Report
	if req.RequireIsolated { // else the lock need not wait for it
		found = isolation()
	}
	p := d.policy(lr.Targets, req, found)
	lr.Until, lr.NotReady, lr.Unproven = p.until, p.notReady, p.unproven
	res, unsaid, err := d.lockAgain(ctx, lr, req.ForS > 0)
	var inFlight *lockfile.InFlightError
	if err != nil && !errors.As(err, &inFlight) {
		return api.MaintenanceReply{}, lockFailed(doing, err)
	}
	reply := api.MaintenanceReply{NotReady: p.notReady, Missing: p.missing, MissingRules: p.rules, Notes: append(p.notes, interruptedNotes(res.Interrupted)...)}
	if inFlight != nil {
		reply.Code, reply.InFlight = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}
		// In flight comes before not ready: the one passes by waiting, and the same command tells the other then.
	} else if len(p.notReady) > 0 {
		reply.Code = api.CodeNotReady
	}
	if unsaid != nil {
		reply.Notes = append(reply.Notes, fmt.Sprintf("the lock stands, but its words could not be changed: %v", unsaid))
	}
	if text := res.HadText(); text != "" {
		reply.Notes = append(reply.Notes, text)
	}
	if res.ResolveErr != nil {
		reply.Notes = append(reply.Notes, fmt.Sprintf("members that only the config knows are not covered yet: %v", res.ResolveErr))
	}
	reply.Notes = append(reply.Notes, d.note("the lock was written")+"; supd honours it when it comes back")
	if !req.RequireIsolated {
		found = isolation()
	}
	reply.Isolation, reply.Unseen = api.IsolationOf(found), found.Unseen
	reply.Locks = d.view().Locks(res.Locks)
	return reply, nil
}

// lockAgain locks, and says to locks that were there before what was said now.
func (d *direct) lockAgain(ctx context.Context, r lockfile.LockRequest, untilSaid bool) (lockfile.LockResult, error, error) {
	defer ignoreStop()() // where it rewrites locks it is in their gates
	w := lockfile.Words{Reason: r.Reason, Ticket: r.Ticket, MeantDown: r.MeantDown, NotReady: r.NotReady, Unproven: r.Unproven}
	if untilSaid {
		w.Until = r.Until
	}
	return d.dir.LockAgain(ctx, r, lockfile.Saying{Gone: d.view().Gone, Words: func(lockfile.Lock) lockfile.Words { return w }})
}

// lockFailed gives a failed lock its code: 1 says that nothing is locked.
func lockFailed(doing string, err error) *api.Error {
	e := api.ErrorOf(doing, err)
	var marker *lockfile.MarkerError
	var dir *lockfile.DirError
	if errors.As(err, &marker) && e.Code != api.CodeNotAllowed || errors.As(err, &dir) {
		c := *e
		c.Code = api.CodeFailed
		return &c
	}
	return e
}

// interruptedNotes reports what somebody who died left half done, to whom takes the
// lock.
func interruptedNotes(records []lockfile.Record) []string {
	var notes []string
	for _, r := range records {
		notes = append(notes, r.Interruption())
	}
	return notes
}

// extend is `maintenance extend`.
func (d *direct) extend(ctx context.Context, req api.MaintenanceExtend) (api.MaintenanceReply, error) {
	defer ignoreStop()()
	until := d.a.now().Add(api.Seconds(req.ForS)).Round(time.Second)
	locks := d.dir.Locks().Locks
	var done []lockfile.Lock
	for _, id := range req.IDs {
		i := slices.IndexFunc(locks, func(l lockfile.Lock) bool { return l.ID == id })
		if i < 0 {
			return api.MaintenanceReply{}, api.ErrorOf("extend lock "+id, &lockfile.GoneError{ID: id})
		}
		if !locks[i].Owner.SameLogin(d.me) {
			return api.MaintenanceReply{}, api.ErrorOf("extend lock "+id, &lockfile.NotOwnerError{Lock: locks[i]})
		}
		mine, err := d.dir.Reclaim(ctx, locks[i:i+1], d.me, d.view().Gone)
		if err != nil {
			return api.MaintenanceReply{}, api.ErrorOf("extend lock "+id, err)
		}
		// Perhaps as its owner in the other session: it is the same person, and they asked for this very lock.
		l, err := d.dir.Rewrite(ctx, id, mine[0].Owner, func(l *lockfile.Lock) { l.Until = until })
		if err != nil {
			return api.MaintenanceReply{}, api.ErrorOf("extend lock "+id, err)
		}
		done = append(done, l)
	}
	return api.MaintenanceReply{Locks: d.view().Locks(done), Notes: []string{d.note("changed")}}, nil
}

// quotedList writes names as `"a", "b"`.
func quotedList(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, ", ")
}

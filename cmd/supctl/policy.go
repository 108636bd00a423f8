package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/lockfile"
)

// policy is what the config wants of a lock. None of it refuses one.
type policy struct {
	notReady []string // what to fix
	unproven []string // what of it only supd settles when it is back
	missing  []string // what of it the person could say
	rules    []string // what is wanted of each of missing
	notes    []string
	until    time.Time
}

// policy judges a request by the config on disk.
func (d *direct) policy(targets []lockfile.Target, req api.MaintenanceStart, found doctor.Report) policy {
	var p policy
	now := d.a.now().Round(time.Second)
	if req.ForS > 0 {
		p.until = now.Add(api.Seconds(req.ForS))
	}
	if req.Stop {
		p.prove("supd does not answer, so --stop stopped nothing: stop it by its own means, then check that it is down")
	}
	if req.RequireIsolated {
		for _, gap := range api.NotIsolated(found) {
			p.prove(gap)
		}
	}
	rules, err := d.rules(targets)
	// A config with mistakes makes no lock wait, and says nothing about it either.
	if err != nil {
		p.notes = append(p.notes, fmt.Sprintf("the config's policy for locks was not asked: %v", err))
	}
	// What was said when the lock was taken needs not be said again.
	req.Reason, req.Ticket = d.words(targets, req)
	for _, m := range rules {
		p.judge(m, req)
		// Of several services the one that is expected back first makes it overdue.
		if end := now.Add(m.DefaultDuration); req.ForS == 0 && m.DefaultDuration > 0 && (p.until.IsZero() || end.Before(p.until)) {
			p.until = end
		}
	}
	if p.until.IsZero() {
		p.until = now.Add(d.usual())
	}
	return p
}

// usual is how long a lock lasts that covers no service of the config.
func (d *direct) usual() time.Duration {
	if plan, err := d.whole(); err == nil {
		return plan.Maintenance.DefaultDuration
	}
	return configs.LockDuration
}

// rules are the policies of all services of the targets.
func (d *direct) rules(targets []lockfile.Target) ([]configs.Maintenance, error) {
	if _, err := os.Stat(d.config); errors.Is(err, fs.ErrNotExist) && d.a.flags.config == "" {
		return nil, nil // no config, no policy
	}
	plan, err := d.whole()
	if err != nil {
		return nil, err
	}
	names := plan.NamesOf()
	lp := lockfile.Plan{Services: names.Services, Groups: names.Groups}
	var out []configs.Maintenance
	for _, t := range targets {
		if t.Kind == lockfile.TargetHost {
			out = append(out, plan.Maintenance)
		}
		r, err := d.dir.Resolve(t, &lp)
		if err != nil {
			return out, err
		}
		for name := range r.Members {
			if s := plan.Services[name]; s != nil {
				out = append(out, s.Maintenance)
			}
		}
	}
	return out, nil
}

// words are reason and ticket of the request, or those that the caller's lock on
// the first target has already.
func (d *direct) words(targets []lockfile.Target, req api.MaintenanceStart) (reason, ticket string) {
	reason, ticket = req.Reason, req.Ticket
	for _, l := range d.dir.LocksOn(targets[0]) {
		if l.Owner.Same(d.me) {
			if reason == "" {
				reason = l.Reason
			}
			if ticket == "" {
				ticket = l.Ticket
			}
		}
	}
	return reason, ticket
}

// judge adds what one service's policy misses in a request.
func (p *policy) judge(m configs.Maintenance, req api.MaintenanceStart) {
	if m.RequireReason && req.Reason == "" {
		p.miss("reason", "a reason", "a reason is required: the same command again, with -m TEXT")
	}
	if !m.TicketOK(req.Ticket) {
		rule := fmt.Sprintf("a ticket that matches %q", m.TicketWanted())
		p.miss("ticket", rule, fmt.Sprintf("%s is required, not %q: the same command again, with --ticket ID", rule, req.Ticket))
	}
	if len(m.Require) > 0 {
		p.fix("without supd these checks could not be run: " + quotedList(m.Require))
	}
}

// miss is fix for what the person could say: on a terminal they are asked for
// what ("reason", "ticket"), by the rule.
func (p *policy) miss(what, rule, text string) {
	if i := slices.Index(p.missing, what); i < 0 {
		p.missing, p.rules = append(p.missing, what), append(p.rules, rule)
	} else if !strings.Contains(p.rules[i], rule) {
		p.rules[i] += ", and " + rule
	}
	p.fix(text)
}

// prove is fix for what stays in doubt until supd has looked.
func (p *policy) prove(text string) {
	p.unproven = append(p.unproven, text)
	p.fix(text)
}

// fix adds a line once: ten services of a group want the same reason.
func (p *policy) fix(text string) {
	if !slices.Contains(p.notReady, text) {
		p.notReady = append(p.notReady, text)
	}
}

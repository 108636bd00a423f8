package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/supd/supd/internal/api"
)

// showChanges says what changed during the work, before anything is decided. Not knowing it is no reason to keep a lock.
func (a *app) showChanges(ctx context.Context, ids []string, why error) *api.ChangesReply {
	c, err := a.client()
	if err != nil || why != nil {
		return nil
	}
	r, err := c.MaintenanceChanges(ctx, ids)
	if err != nil {
		if !api.IsUnreachable(err) {
			a.hint("what changed during the work is not known: %s", clean(err.Error()))
		}
		return nil
	}
	a.writeWork(r)
	return &r
}

// writeWork writes a line for each change, and one for all services that are as they were.
func (a *app) writeWork(r api.ChangesReply) {
	var same, unknown []string
	for _, s := range r.Services {
		switch {
		case len(s.Changes) > 0:
		case !s.Known:
			unknown = append(unknown, s.Service)
		default:
			same = append(same, s.Service)
		}
		for _, text := range s.Changes {
			a.hint("changed: %s: %s", clean(s.Service), clean(text))
		}
	}
	for _, text := range r.Packages {
		a.hint("changed: %s", clean(text))
	}
	if len(same) > 0 {
		a.hint("as it was: %s", clean(some(same)))
	}
	if len(unknown) > 0 {
		a.hint("not known what it was when it was locked: %s", clean(some(unknown)))
	}
}

// namesShown bounds how many names a line has.
const namesShown = 10

// some is a few names, and how many more there are.
func some(names []string) string {
	text := strings.Join(names[:min(len(names), namesShown)], " ")
	if n := len(names) - namesShown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// choice is a decision that a refused end asks for, and how it is typed.
type choice struct{ flag, key, what string }

var choices = [...]choice{
	{api.ChooseStart, "s", "start it, verify, release"},
	{api.ChooseLeaveStopped, "l", "leave it stopped and release"},
	{api.ChooseForce, "f", "release it as it is"},
}

// decide asks a person at a terminal for the decision that a refusal wants, and puts it into the request. false: nobody is
// there, or nothing was decided; the lock stays.
func (a *app) decide(ctx context.Context, req *api.MaintenanceEnd, refused error) bool {
	var e *api.Error
	if !errors.As(refused, &e) || len(e.Choices) == 0 || !a.canAsk() {
		return false
	}
	a.note("%s", clean(e.Message))
	var offered []choice
	for _, c := range choices {
		if slices.Contains(e.Choices, c.flag) {
			offered = append(offered, c)
			a.note("  %s  %s (--%s)", c.key, c.what, c.flag)
		}
	}
	typed := a.promptUntil(ctx, "your decision (nothing keeps the lock): ")
	for _, c := range offered {
		if typed == c.key || typed == c.flag {
			req.Start = req.Start || c.flag == api.ChooseStart
			req.LeaveStopped = req.LeaveStopped || c.flag == api.ChooseLeaveStopped
			req.Force = req.Force || c.flag == api.ChooseForce
			return true
		}
	}
	return false
}

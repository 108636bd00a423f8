package main

import (
	"context"
	"errors"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// guardFailed says why nothing was run, and what to do.
func guardFailed(names []string, err error) error {
	e := *api.ErrorOf("guard "+joinTargets(names), err)
	e.Message = strings.Replace(e.Message, "cannot "+string(lockfile.VerbExec)+" ", "cannot run a command on ", 1) + "; the command was not run"
	if e.Code == api.CodeHeld {
		e.Next = "--wait DURATION waits for the end of the lock; supctl maintenance list"
	}
	return &e
}

// waitsFor tells who waits what is in the way, once for each thing.
func (d *direct) waitsFor(services []string) func() {
	told := map[string]bool{}
	return func() {
		text := "waiting for what is in flight"
		for _, s := range services {
			if f, ok := d.dir.InFlight(s); ok {
				text = "waiting for what is in flight on " + s + ": " + f.String()
				break
			}
		}
		if !told[text] {
			told[text] = true
			d.a.hint("%s", clean(text))
		}
	}
}

// recordRefusal tells a supd that answers what was not run, for its record. A failure changes nothing: the refusal is the files' word.
func (a *app) recordRefusal(err error, command []string) {
	var held *lockfile.HeldError
	var unreadable *lockfile.UnreadableError
	r := api.GuardRefused{Command: cut(strings.Join(command, " "))}
	switch {
	case errors.As(err, &held):
		r.Service = held.Service
	case errors.As(err, &unreadable):
		r.Service = unreadable.Service
	default:
		return
	}
	if c, err := a.client(); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), noticesWait)
		defer cancel()
		_, _ = c.GuardRefused(ctx, r)
	}
}

// commandShownMax bounds a command line on record, in bytes.
const commandShownMax = 1000

func cut(command string) string {
	if len(command) <= commandShownMax {
		return command
	}
	return strings.ToValidUTF8(command[:commandShownMax], "") + " …"
}

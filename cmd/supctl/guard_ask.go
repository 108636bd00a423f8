package main

import (
	"context"
	"errors"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// asked is a daemon that answered whether something is free; nil: none did, and the files count alone.
type asked struct{ c *api.Client }

// theDaemon is the daemon to ask inside the gates, nil if none answers now: with the gates shut, a hung one is not waited for.
func (a *app) theDaemon(ctx context.Context, names []string) *asked {
	c, err := a.client()
	if err != nil {
		return nil // no daemon is known: the files count
	}
	if _, err := c.MaintenanceCheck(ctx, names[0]); api.IsUnreachable(err) {
		return nil
	}
	return &asked{c}
}

// refuses asks whether the daemon holds what is no file: a lock that could not be written, or one whose file was removed. To
// be asked in the gates, where the files have given their word already and nobody acts but the command.
func (d *asked) refuses(ctx context.Context, names []string) error {
	if d == nil {
		return nil
	}
	for _, n := range names {
		r, err := d.c.MaintenanceCheck(ctx, n)
		switch {
		case api.IsUnreachable(err): // it has just ended: the files count
			return nil
		case err != nil: // it does not know the name, or does not say: the files do
		case r.Code != api.CodeDone:
			return refused(r)
		}
	}
	return nil
}

// refused is the daemon's answer about what is not free.
func refused(r api.MaintenanceCheck) error {
	var why []string
	for _, h := range r.Holds {
		if h.Kind == "lock" || h.Kind == "unreadable" {
			why = append(why, holdText(h))
		}
	}
	return api.Errorf(r.Code, "cannot guard %s: supd says that it is held: %s", r.Target, strings.Join(why, "; ")).
		WithNext("supctl maintenance list; supctl maintenance doctor")
}

// isHeld says whether an error is a lock, which a guard may wait for.
func isHeld(err error) bool {
	var held *lockfile.HeldError
	var said *api.Error
	return errors.As(err, &held) || errors.As(err, &said) && said.Code == api.CodeHeld
}

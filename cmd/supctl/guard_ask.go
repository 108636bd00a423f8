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

// askFree asks the daemon, which may hold what is no file: a lock that could not be written, or one whose file was removed. An
// error is a refusal.
func (a *app) askFree(ctx context.Context, names []string) (*asked, error) {
	c, err := a.client()
	if err != nil {
		return nil, nil // no daemon is known: the files count
	}
	d := &asked{c}
	answered, err := d.ask(ctx, names)
	if !answered {
		return nil, err
	}
	return d, err
}

// again asks inside the gates: from here on nobody acts but the command. A daemon that did not answer a moment ago is not
// waited for with the gates shut.
func (d *asked) again(ctx context.Context, names []string) error {
	if d == nil {
		return nil
	}
	_, err := d.ask(ctx, names)
	return err
}

func (d *asked) ask(ctx context.Context, names []string) (answered bool, err error) {
	for _, n := range names {
		r, err := d.c.MaintenanceCheck(ctx, n)
		switch {
		case err != nil && api.IsUnreachable(err):
			return false, nil
		case err != nil: // it does not know the name, or does not say: the files do
		case r.Code != api.CodeDone:
			return true, refused(r)
		}
	}
	return true, nil
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

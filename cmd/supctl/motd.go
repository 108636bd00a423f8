package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
)

const motdLong = `What is locked on this host, for login scripts: your own locks first, then those of
others. Says nothing when nothing is locked, takes no longer than a second or two,
and never fails: the exit code is 0.

In /etc/profile.d/supd.sh:

  [ -t 1 ] && supctl motd`

// motdWait bounds what a login waits for a supd that hangs; then the files are read.
const motdWait = time.Second

// motdLocksMax is how many locks a login shows.
const motdLocksMax = 10

// motdCommand declares `motd`.
func (a *app) motdCommand() *cobra.Command {
	return &cobra.Command{
		Use: "motd", Short: "What is locked, for login scripts", Long: motdLong, Example: "  supctl motd", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.motd(cmd.Context()) },
	}
}

func (a *app) motd(ctx context.Context) error {
	r, err := a.locksSoon(ctx)
	switch {
	case err != nil && a.noState():
		return nil // supd is not used here
	case err != nil:
		a.note("supd: what is locked is not known, so treat everything as locked: %s", clean(err.Error()))
		return nil
	case len(r.Locks)+len(r.Unreadable) == 0 && !a.json():
		return nil
	}
	me, _ := who.Self()
	slices.SortStableFunc(r.Locks, func(x, y api.Lock) int { // own ones first
		switch own := sameLogin(x, me); {
		case own == sameLogin(y, me):
			return 0
		case own:
			return -1
		}
		return 1
	})
	return a.answer(r, func() {
		if len(r.Locks) > 0 {
			a.say("%s", painted(cell{"under maintenance on this host:", bold}, a.colour()))
		}
		for _, l := range r.Locks[:min(len(r.Locks), motdLocksMax)] {
			whose := "by " + clean(ownerWithTTY(l))
			if sameLogin(l, me) {
				whose = "by you"
			}
			words := []string{"  " + clean(l.Target), whose, "since " + a.clock(l.Since)}
			if state := lockState(l); state.text != "" && state.text != "mine" {
				words = append(words, painted(cell{state.text, state.paint}, a.colour()))
			}
			a.say("%s", strings.Join(append(words, notEmpty(clean(brief(l.Reason)))...), "  "))
		}
		if more := len(r.Locks) - motdLocksMax; more > 0 {
			a.say("  and %d more: supctl maintenance list", more)
		}
		for _, b := range r.Unreadable {
			a.say("  %s", clean(countsAsLocked(b)))
		}
	})
}

// orAll names what a file of unknown target holds.
func orAll(target string) string {
	if target == "" {
		return "everything"
	}
	return target
}

// locksSoon lists locks without waiting for a supd that hangs.
func (a *app) locksSoon(ctx context.Context) (r api.LocksReply, err error) {
	c, err := a.client()
	if err == nil {
		soon, cancel := context.WithTimeout(ctx, motdWait)
		defer cancel()
		if r, err = c.Locks(soon, nil); err == nil {
			return r, nil
		}
	}
	d, why, err := a.direct(err, false)
	if err != nil {
		return r, directFailed("list locks", why, err)
	}
	return d.list(nil)
}

// noState says whether this host has no state directory at all.
func (a *app) noState() bool {
	path, err := a.stateDir()
	if err != nil {
		return false
	}
	_, err = os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

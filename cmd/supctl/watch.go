package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/supd/supd/internal/api"
)

// Sequences that redraw without flicker: go home, write over, clear the rest.
const (
	cursorHome  = "\x1b[H"
	clearScreen = "\x1b[2J"
	clearToEnd  = "\x1b[0J"
	clearToEOL  = "\x1b[K"
)

// watchStatus shows status again and again until ctx ends. A daemon that goes
// away is shown and waited for.
func (a *app) watchStatus(ctx context.Context, names []string, every time.Duration) error {
	if every <= 0 {
		return usage("cannot watch every %v: --interval wants more than 0", every)
	}
	terminal := isTerminal(a.out) && !a.json()
	if terminal {
		fmt.Fprint(a.out, clearScreen)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		reply, err := a.status(ctx, names)
		if ctx.Err() != nil {
			return nil
		}
		// A daemon that is away comes back; a name that does not exist never will.
		if err != nil && api.CodeOf(err) != api.CodeUnreachable {
			return err
		}
		if err := a.drawStatus(reply, err, terminal); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// drawStatus draws one picture, or failed in its place. On a terminal each line is
// cleared to its end as it is written over, which does not flicker as clearing the
// screen would; with JSON it is one document per line.
func (a *app) drawStatus(reply api.StatusReply, failed error, terminal bool) error {
	if a.json() {
		if failed != nil {
			return a.writeJSON(a.errs, map[string]*api.Error{"error": a.explain(failed)})
		}
		return a.writeJSON(a.out, reply)
	}
	var b bytes.Buffer
	if failed != nil {
		fmt.Fprintln(&b, clean(failed.Error()))
	} else {
		a.writeStatus(&b, reply)
	}
	if terminal {
		screen := bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte(clearToEOL+"\n"))
		_, err := fmt.Fprintf(a.out, "%s%s%s", cursorHome, screen, clearToEnd)
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s\n", b.Bytes())
	return err
}

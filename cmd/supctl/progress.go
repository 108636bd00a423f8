package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/supd/supd/internal/api"
)

// progress shows what is being waited for: one line that changes on a terminal,
// plain lines elsewhere, nothing with -q or JSON. end must be called before
// anything else is written.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	silent   bool
	last     string
}

// newProgress goes to standard error: the answer on standard output stays fit for
// a pipe.
func (a *app) newProgress() *progress {
	return &progress{w: a.errs, terminal: isTerminal(a.errs), silent: a.flags.quiet || a.json()}
}

// eraseLine goes to the line's beginning and clears it (ECMA-48: CR, EL).
const eraseLine = "\r\x1b[K"

// show is an api.Progress.
func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The daemon repeats itself about once a second while it waits.
	if p.silent || text == p.last {
		return
	}
	p.last = text
	if p.terminal {
		fmt.Fprintf(p.w, "%s%s …", eraseLine, clean(text))
		return
	}
	fmt.Fprintln(p.w, clean(text))
}

// end takes the line off the terminal. Later lines are dropped: they would come
// after the answer.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && p.last != "" {
		fmt.Fprint(p.w, eraseLine)
	}
	p.silent = true
}

// watched calls f with a progress and ends it.
func (a *app) watched(f func(api.Progress) error) error {
	p := a.newProgress()
	defer p.end()
	return f(p.show)
}

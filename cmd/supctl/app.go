package main

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/where"
)

// app is one run of supctl: what it was given, and what its commands share.
type app struct {
	args []string // as given, to be shown again with sudo in front
	in   io.Reader
	out  io.Writer // answers
	errs io.Writer // errors, hints, progress
	env  func(string) string
	now  func() time.Time
	uid  int

	flags   globals
	refused error  // help that was asked for and cannot be given
	help    string // where the command that was meant is described
	wraps   bool   // see wrapper
	running bool   // the command line was understood: errors are no longer wrong usage
	place   *where.Place
	heard   []api.Notice // with the last answer; nil: none came with it
	config  *diskNames
}

// globals are the flags of every command.
type globals struct {
	socket   string
	stateDir string
	config   string
	output   string
	noColor  bool
	quiet    bool
}

// newApp is a run over the given streams. Who runs it is the effective uid: it
// decides over file permissions and over which per-user directories count.
func newApp(args []string, in io.Reader, out, errs io.Writer) *app {
	return &app{args: args, in: in, out: out, errs: errs, env: os.Getenv, now: time.Now, uid: os.Geteuid()}
}

// json says whether answers and errors are JSON.
func (a *app) json() bool { return a.flags.output == outputJSON }

// fd is what answers for a stream being a terminal; buffers have none.
type fd interface{ Fd() uintptr }

// isTerminal says whether a person sits at a stream. Anything without a
// descriptor (a buffer, a pipe's copy) is none.
func isTerminal(stream any) bool {
	f, ok := stream.(fd)
	return ok && term.IsTerminal(int(f.Fd()))
}

// canAsk says whether somebody sits there who can be asked.
func (a *app) canAsk() bool { return !a.json() && isTerminal(a.in) && isTerminal(a.errs) }

// colour says whether answers are coloured: only for a terminal, and not when
// asked otherwise (https://no-color.org).
func (a *app) colour() bool {
	return !a.flags.noColor && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" && isTerminal(a.out)
}

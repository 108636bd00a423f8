package hands

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

var errNotBuilt = errors.New("hands: not built yet")

// Hands acts on services. One per daemon; safe for concurrent use.
type Hands struct {
	Table    *proc.Table
	Cgroups  *proc.Cgroups // nil: no cgroups here
	Notes    proc.Notes
	StateDir string
	Exe      string // supd's own binary for helpers; "" = /proc/self/exe
}

// Spec is one instance of a command service, with everything already decided.
type Spec struct {
	Service string
	Gen     uint64
	Argv    []string // Argv[0] is looked up in Env's PATH if it has no slash
	Dir     string   // "" = /
	Env     []string // complete and clean (see CleanEnv); hands adds SUPD_SERVICE, SUPD_GENERATION, NOTIFY_SOCKET
	User    *proc.User
	Umask   *uint32 // nil: 022
	Nice    *int
	OOM     *int // oom_score_adj; nil: what supd itself was started with, or 0 if that was below 0
	Nofile  *unix.Rlimit
	Output  Output
	Notify  string // path of the service's notify socket, "" = none
}

// Output says where a service's stdout and stderr go. supd is never in between.
type Output struct {
	Mode  string // journal | file | inherit | none
	File  string // Mode file: opened O_APPEND, created 0640
	Ident string // Mode journal: syslog identifier; "" = the service's name
}

// Start runs a new instance and returns it as soon as its program has been executed (not: ready).
// The permit has to cover start. It writes the record, the note in RUN, and nothing is left behind on an error.
func (h *Hands) Start(p *lockfile.Permit, s Spec) (*proc.Process, error) { return nil, errNotBuilt }

// StopSpec says what to bring down.
type StopSpec struct {
	Service string
	Target  proc.Identity // main process; zero: only what is left in the cgroup
	Gen     uint64
	Cgroup  string // path from the note, "" = none
	Signal  unix.Signal
	Timeout time.Duration // from the signal (or the command) to SIGKILL of the whole tree
	Command *Script       // instead of the signal
}

// StopResult says how it went down.
type StopResult struct {
	Gone      bool // nothing of the service is alive
	Killed    bool // it took SIGKILL
	WasDown   bool // there was nothing to stop
	Leftovers []int
	Script    *ScriptResult
}

// Stop brings the whole tree down and returns when nothing of it is alive. A helper does it and keeps the gate, so that it is
// finished even if supd dies. The permit has to cover stop. The note in RUN is removed: this was deliberate.
func (h *Hands) Stop(p *lockfile.Permit, s StopSpec) (StopResult, error) {
	return StopResult{}, errNotBuilt
}

// Signal sends sig to the process with this identity and to nothing else. The permit has to cover signal or reload.
func (h *Hands) Signal(p *lockfile.Permit, service string, target proc.Identity, sig unix.Signal) error {
	return errNotBuilt
}

// Script is a program that acts on a service: start, stop, reload programs, hooks.
type Script struct {
	Argv    []string
	Dir     string
	Env     []string
	User    *proc.User
	Timeout time.Duration // then its process group is killed
	Output  Output
}

// ScriptResult is how a script ended.
type ScriptResult struct {
	Exit     proc.Exit
	TimedOut bool
	Tail     string // last lines of its output
}

// Run runs a script to its end under a helper that keeps the gate. The permit has to cover verb.
func (h *Hands) Run(p *lockfile.Permit, service string, verb lockfile.Verb, s Script) (ScriptResult, error) {
	return ScriptResult{}, errNotBuilt
}

// Helper does the work of a helper process if args (os.Args) say that this is one, and tells whether it was.
// To be called first in main; the process is to exit at once when it returns true.
func Helper(args []string) bool { return false }

// CleanEnv is the environment a service starts from: PATH, HOME, USER, LOGNAME, SHELL, LANG and extra, nothing of supd's own.
func CleanEnv(u *proc.User, extra map[string]string) []string { return nil }

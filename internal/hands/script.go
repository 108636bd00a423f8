package hands

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

const (
	// scriptTimeout is for scripts whose config gives none.
	scriptTimeout = 5 * time.Minute
	// phaseScript stands in the record while a program acts on the service.
	phaseScript = "script"
)

// Script is a program that acts on a service: start, stop and reload programs, hooks.
type Script struct {
	Argv    []string
	Dir     string
	Env     []string // complete and clean
	User    *proc.User
	Timeout time.Duration // then its process group is killed; 0: 5 minutes
	Output  Output        // Mode "": kept for Tail
	Cgroup  string        // path of the cgroup it runs in, "" = supd's. What it starts stays there
}

// ScriptResult is how a script ended.
type ScriptResult struct {
	Exit     proc.Exit     `json:"exit"`
	TimedOut bool          `json:"timed_out,omitempty"`
	Tail     string        `json:"tail,omitempty"` // end of its output
	Took     time.Duration `json:"took"`
}

// Failed says why the script did not do its work, "" if it did.
func (r ScriptResult) Failed() string {
	switch {
	case r.TimedOut:
		return fmt.Sprintf("killed after %s", r.Took.Round(time.Millisecond))
	case r.Exit.Known && r.Exit.Code == 0 && r.Exit.Signal == 0:
		return ""
	}
	return r.Exit.String()
}

// Run runs a script to its end under a helper that keeps the gate, so that it is over
// or accounted for whoever dies. The permit has to cover verb. then: more effects
// follow under this permit. A script that fails is a result, not an error.
func (h *Hands) Run(p *lockfile.Permit, service string, verb lockfile.Verb, s Script, then bool) (ScriptResult, error) {
	if err := p.Check(service, verb); err != nil {
		return ScriptResult{}, err
	}
	so, err := s.order()
	if err != nil {
		return ScriptResult{}, fmt.Errorf("cannot run a program for %q: %w", service, err)
	}
	o := order{Service: service, StateDir: h.StateDir, Notes: h.Notes.Dir, Script: &so, Then: then}
	last, tail, err := h.help(p, kindScript, o, s.Output, s.User)
	if err != nil {
		return ScriptResult{}, err
	}
	if last.Ran == nil {
		return ScriptResult{}, errors.New(last.Err)
	}
	last.Ran.Tail = tail
	return *last.Ran, nil
}

func (s *Script) order() (scriptOrder, error) {
	if len(s.Argv) == 0 {
		return scriptOrder{}, fmt.Errorf("no command given")
	}
	path, err := proc.FindProgram(s.Argv[0], s.Env)
	if err != nil {
		return scriptOrder{}, fmt.Errorf("%s: %w", s.Argv[0], err)
	}
	dir := s.Dir
	if dir == "" {
		dir = "/"
	}
	x := execOrder{Path: path, Argv: s.Argv, Dir: dir, Env: s.Env, User: s.User}
	return scriptOrder{Exec: x, Timeout: s.Timeout, Cgroup: s.Cgroup}, nil
}

// runScript is the helper's side: the script is forked held back, recorded and
// reported, and then let go. It does not inherit the gate.
func (d *down) runScript(s scriptOrder) (ScriptResult, error) {
	if s.Timeout == 0 {
		s.Timeout = scriptTimeout
	}
	var g *proc.Cgroup
	if s.Cgroup != "" {
		g = &proc.Cgroup{Path: s.Cgroup}
	}
	began := time.Now()
	p, err := startHeld(d.table, d.exe, d.order.Service, s.Exec, given{stdio: [3]*os.File{os.Stdin, os.Stdout, os.Stderr}}, g, func(id proc.Identity) error {
		err := d.record(func(r *lockfile.Record) {
			r.Script = recorded(id)
			if r.Phase != phaseStopping {
				r.Phase = phaseScript
			}
		})
		d.say(word{Script: &id})
		return err
	})
	if err != nil {
		why := spawnError(&Spec{Service: d.order.Service, Dir: s.Exec.Dir, User: s.Exec.User}, s.Exec.Path, err)
		return ScriptResult{}, fmt.Errorf("cannot run a program for %q: %w", d.order.Service, whyOf(why))
	}
	defer d.trimming()()
	return awaitScript(p, began, began.Add(s.Timeout)), nil
}

// whyOf is the reason without "cannot start": it is not the service that was to be
// started.
func whyOf(err error) error {
	if e, ok := err.(*SpawnError); ok {
		return fmt.Errorf("%s", e.Why)
	}
	return err
}

// awaitScript waits for p to end and kills its process group at the deadline.
func awaitScript(p *proc.Process, began, deadline time.Time) ScriptResult {
	var r ScriptResult
	if !waitDone(p, deadline) {
		r.TimedOut = true
		if p.SignalGroup(unix.SIGKILL) != nil {
			p.Signal(unix.SIGKILL)
		}
		<-p.Done()
	}
	r.Exit, _ = p.Exit()
	r.Took = time.Since(began)
	return r
}

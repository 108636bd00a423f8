package hands

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// StopSpec says what to bring down.
type StopSpec struct {
	Service string
	Target  proc.Identity // main process; zero: only what is left of the instance
	Gen     uint64
	Cgroup  string        // of the instance, or of all instances of the service; "" = none
	Signal  unix.Signal   // 0: SIGTERM
	Timeout time.Duration // from the signal (or the start of the command) to SIGKILL of the whole tree; 0: SIGKILL at once
	Command *Script       // instead of the signal to the main process
	Then    bool          // more effects follow under this permit (the start of a restart)
}

// StopResult says how it went down.
type StopResult struct {
	Gone      bool          `json:"gone"`                // nothing of the instance is alive
	Killed    bool          `json:"killed,omitempty"`    // it took SIGKILL
	WasDown   bool          `json:"was_down,omitempty"`  // there was nothing to stop
	Leftovers []int         `json:"leftovers,omitempty"` // outlived the main process and were ended after it
	Script    *ScriptResult `json:"script,omitempty"`    // how the command ended
}

// Stop brings the whole tree down and returns when nothing of it is alive. A helper
// does it and keeps the gate, so that it is finished even if supd dies; if the helper
// is killed, supd finishes it. The permit has to cover stop. The note in RUN goes: this
// was deliberate.
//
// A permit to start covers it too, for what a dead instance left behind: then Target is
// zero.
func (h *Hands) Stop(p *lockfile.Permit, s StopSpec) (StopResult, error) {
	if err := p.Check(s.Service, lockfile.VerbStop); err != nil {
		return StopResult{}, err
	}
	if s.Signal == 0 {
		s.Signal = unix.SIGTERM
	}
	o := order{
		Service: s.Service, StateDir: h.StateDir, Notes: h.Notes.Dir, Target: s.Target, Gen: s.Gen,
		Cgroup: s.Cgroup, Signal: int(s.Signal), Timeout: s.Timeout, Then: s.Then || p.Verb() != lockfile.VerbStop,
	}
	d := down{order: o, table: h.Table, exe: h.exe(), record: permitRecorder(p, s.Service)}
	isDown, err := d.isDown()
	if err != nil {
		return StopResult{}, err
	}
	if isDown {
		return StopResult{Gone: true, WasDown: true}, d.settle()
	}
	var out Output
	var user *proc.User
	if s.Command != nil {
		so, err := s.Command.order()
		if err != nil {
			return StopResult{}, fmt.Errorf("cannot stop %q: %w", s.Service, err)
		}
		o.Script, out, user = &so, s.Command.Output, s.Command.User
	}
	last, tail, err := h.help(p, kindStop, o, out, user)
	if err != nil {
		return StopResult{}, err
	}
	var res StopResult
	if last.Stop != nil {
		res = *last.Stop
	}
	if res.Script != nil {
		res.Script.Tail = tail
	}
	if last.Err != "" {
		return res, errors.New(last.Err)
	}
	return res, nil
}

// isDown says whether nothing of the instance is alive, so that no helper is needed to
// stop it.
func (d *down) isDown() (bool, error) {
	main, err := d.openMain()
	if err != nil {
		return false, err
	}
	if main != nil {
		main.Forget()
		return false, nil
	}
	left, err := d.members()
	return len(left) == 0, err
}

func permitRecorder(p *lockfile.Permit, service string) recorder {
	return func(change func(*lockfile.Record)) error { return p.UpdateOf(service, change) }
}

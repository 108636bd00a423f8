package hands

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// Start runs a new instance and returns it as soon as its program has been executed
// (not: ready). The permit has to cover start.
//
// With cgroups supd forks straight into the instance's own: killed at any instant, the
// next supd finds it there. Without, and for instances that have to prepare themselves,
// the child is held back until it stands in the record and in RUN. What an instance
// left behind whose main process is gone is ended first: two generations must not share
// files and ports. *RunningError if the service runs; *SpawnError if its program cannot
// be run. After an error nothing is left of the new instance.
func (h *Hands) Start(p *lockfile.Permit, s Spec) (*proc.Process, error) {
	if err := p.Check(s.Service, lockfile.VerbStart); err != nil {
		return nil, err
	}
	if len(s.Argv) == 0 {
		return nil, &SpawnError{Service: s.Service, Why: "no command given"}
	}
	if err := h.makeWay(p, s.Service); err != nil {
		return nil, err
	}
	env := h.env(&s)
	path, err := proc.FindProgram(s.Argv[0], env)
	if err != nil {
		return nil, &SpawnError{Service: s.Service, Why: s.Argv[0] + ": " + err.Error(), Err: err}
	}
	in, out, errw, err := h.stdio(s.Service, s.Output, s.User)
	if err != nil {
		return nil, &SpawnError{Service: s.Service, Why: err.Error(), Err: err}
	}
	defer closeAll(in, out, errw)

	note := proc.Note{Service: s.Service, Gen: s.Gen, Notify: s.Notify, Watchdog: s.Watchdog, LogAt: s.LogAt, Config: s.Config, Limits: s.limits()}
	var g *proc.Cgroup
	if h.Cgroups != nil {
		if g, err = h.Cgroups.Make(s.Service, s.Gen); err != nil {
			return nil, &SpawnError{Service: s.Service, Why: err.Error(), Err: err}
		}
		note.Cgroup = g.Path
	}
	fds, fresh, err := h.sockets.open(s.Service, s.Listen, s.owner())
	if err != nil {
		err = &SpawnError{Service: s.Service, Why: err.Error(), Err: err}
	}
	var child *proc.Process
	if err == nil {
		child, err = h.startIn(p, &s, path, env, given{stdio: [3]*os.File{in, out, errw}, sockets: fds}, g, note)
	}
	if err != nil {
		h.sockets.drop(s.Service, fresh)
		if g != nil {
			g.Remove()
		}
		return nil, spawnError(&s, path, err)
	}
	if h.Cgroups != nil {
		h.later(func() { h.Cgroups.Sweep(s.Service, s.Gen) })
	}
	return child, nil
}

// startIn takes the quickest way that does all that the instance asks for.
func (h *Hands) startIn(p *lockfile.Permit, s *Spec, path string, env []string, files given, g *proc.Cgroup, note proc.Note) (*proc.Process, error) {
	if err := h.limit(s); err != nil {
		return nil, &SpawnError{Service: s.Service, Why: err.Error(), Err: err}
	}
	if g == nil || s.ownHand(path) {
		return h.startHeld(p, s, path, env, files, g, note)
	}
	child, err := h.startDirect(p, s, path, env, files.stdio, g, note)
	var untraceable *proc.UntraceableError
	var unprepared *proc.PrepareError
	if errors.As(err, &untraceable) || errors.As(err, &unprepared) {
		// Nothing of the program has run. The slow way needs no tracing and fewer
		// rights, and says which step it is that fails.
		return h.startHeld(p, s, path, env, files, g, note)
	}
	return child, err
}

// startDirect forks in the gate. Killed right then, supd leaves a child that is no service yet: it has the gate until it is one.
func (h *Hands) startDirect(p *lockfile.Permit, s *Spec, path string, env []string, stdio [3]*os.File, g *proc.Cgroup, note proc.Note) (*proc.Process, error) {
	child, err := h.Table.Start(proc.Attr{
		Path: path, Argv: s.Argv, Dir: s.dir(), Env: env, User: s.User, Cgroup: g, Prepare: s.fromOutside(),
		Files: []uintptr{stdio[0].Fd(), stdio[1].Fd(), stdio[2].Fd()}, Held: []uintptr{p.FileOf(s.Service).Fd()},
	})
	if err != nil {
		return nil, err
	}
	if s.OOM == nil && h.protected() {
		// From outside, microseconds after the exec: a preparation in the child would
		// cost a start of supd's own binary.
		if err := os.WriteFile("/proc/"+strconv.Itoa(child.PID())+"/oom_score_adj", []byte("0"), 0); err != nil {
			h.warn(s.Service, fmt.Errorf("cannot take supd's own OOM protection from %q: %w", s.Service, err))
		}
	}
	note.Process, note.Started = child.Identity(), time.Now()
	if err := h.Notes.Write(note); err != nil {
		// The cgroup tells the next supd who it is; a service is not refused for a full
		// RUN.
		h.warn(s.Service, err)
	}
	return child, nil
}

func (h *Hands) startHeld(p *lockfile.Permit, s *Spec, path string, env []string, files given, g *proc.Cgroup, note proc.Note) (*proc.Process, error) {
	x := execOrder{Path: path, Argv: s.Argv, Dir: s.dir(), Env: env, User: s.User, Umask: s.Umask, Nice: s.Nice, OOM: s.OOM, Rlimits: s.Rlimits}
	if x.OOM == nil && h.protected() {
		x.OOM = new(int)
	}
	child, err := startHeld(h.Table, h.exe(), s.Service, x, files, g, func(id proc.Identity) error {
		if err := p.UpdateOf(s.Service, func(r *lockfile.Record) { r.Target = recorded(id) }); err != nil {
			return err
		}
		note.Process, note.Started = id, time.Now()
		return h.Notes.Write(note)
	})
	if err != nil {
		h.Notes.Remove(s.Service)
		var f *execFailure
		if errors.As(err, &f) && f.Errno == 0 {
			return nil, errors.New(f.Step)
		}
		if f != nil && f.Step != "cannot execute" && f.Step != "cannot enter the working directory" {
			return nil, fmt.Errorf("%s: %w", f.Step, error(notErrno(f.Errno)))
		}
		return nil, err
	}
	return child, nil
}

// notErrno keeps spawnError from explaining a number whose step is known already.
type notErrno syscall.Errno

func (e notErrno) Error() string { return syscall.Errno(e).Error() }

// leftoverWait is how long what outlived its main process may take to end before it is
// killed.
const leftoverWait = 2 * time.Second

// MakeWay ends what a dead instance left, for who prepares a start. The permit has to
// cover start. *RunningError if the service runs.
func (h *Hands) MakeWay(p *lockfile.Permit, service string) error {
	if err := p.Check(service, lockfile.VerbStart); err != nil {
		return err
	}
	return h.makeWay(p, service)
}

// makeWay is the look inside the gate that keeps a service from running twice, whatever
// supd believes.
func (h *Hands) makeWay(p *lockfile.Permit, service string) error {
	l, err := h.Look(service)
	switch {
	case err != nil:
		return fmt.Errorf("cannot start %q: %w", service, err)
	case !l.Main.IsZero():
		return &RunningError{Service: service, PIDs: append([]int{l.Main.PID}, pidsOf(l.Leftovers)...)}
	case len(l.Leftovers) == 0:
		return nil
	}
	s := StopSpec{Service: service, Gen: l.Gen, Cgroup: l.Cgroup, Timeout: leftoverWait, Then: true}
	if h.Cgroups != nil {
		s.Cgroup = h.Cgroups.Service(service).Path // of whatever generation
	} else if n, err := h.Notes.Read(service); err == nil {
		s.Target = n.Process // dead, and how its session is found
	}
	if _, err := h.Stop(p, s); err != nil {
		return fmt.Errorf("cannot start %q: what its last instance left is still there: %w", service, err)
	}
	return nil
}

// protected says whether supd has an oom_score_adj below 0, which children would
// inherit. It is set by whoever starts supd, so it is read once.
func (h *Hands) protected() bool {
	h.oomOnce.Do(func() {
		b, err := os.ReadFile("/proc/self/oom_score_adj")
		h.oomBelow = err == nil && strings.HasPrefix(string(b), "-")
	})
	return h.oomBelow
}

func (h *Hands) later(tidy func()) {
	if h.Later == nil {
		tidy()
		return
	}
	h.Later(tidy)
}

func (h *Hands) warn(service string, err error) {
	if h.Warn != nil {
		h.Warn(service, err)
	}
}

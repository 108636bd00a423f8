package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/where"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// direct does on the state directory's files what the daemon would do, by the
// same steps (package lockfile), for a caller whom file permissions let.
type direct struct {
	a      *app
	dir    *lockfile.Dir
	me     lockfile.Owner
	runDir string // "" if unknown
	why    error  // what kept the daemon from answering
	config string // path

	reading sync.Mutex
	read    *configs.Plan // see whole
	stamp   string
}

// openState opens the state directory.
func (a *app) openState() (*lockfile.Dir, error) {
	path, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return lockfile.Open(path, lockfile.Options{})
}

// direct opens the state directory, because the daemon did not answer: why. It
// is why again that comes back, for the messages. first: a lock is to be taken,
// so where supd has never run, and nobody named another directory, the state
// directory is made: supd will find the lock in it.
func (a *app) direct(why error, first bool) (*direct, error, error) {
	me, err := who.Self()
	if err != nil {
		return nil, why, err
	}
	me.Remote = who.ClaimedRemote(me.PID)
	dir, err := a.openState()
	// "Not installed yet" must not be a reason to work without a lock.
	if err != nil && first && a.neverRan() {
		if err = lockfile.Init(defaultStateDir, true); err == nil {
			dir, err = a.openState()
		}
	}
	if err != nil {
		return nil, why, err
	}
	d := &direct{a: a, dir: dir, me: me, why: why, config: a.configPath()}
	d.runDir = a.runDirOf(dir.Path())
	return d, why, nil
}

// neverRan says whether the default state directory is meant and does not exist
// at all. An empty one that exists may be a mount that is missing.
func (a *app) neverRan() bool {
	path, err := a.stateDir()
	if err != nil || path != defaultStateDir {
		return false
	}
	_, err = os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// runDirOf is the run directory that goes with a state directory, "" if none is
// known to.
func (a *app) runDirOf(stateDir string) string {
	if p, err := a.locate(); err == nil {
		if has, err := where.StateDir(p.RunDir); err == nil && sameDir(has, stateDir) {
			return p.RunDir
		}
	}
	names, _ := a.namesOf(a.configPath())
	if names.StateDir != "" && names.RunDir != "" && sameDir(names.StateDir, stateDir) {
		return names.RunDir
	}
	if stateDir == defaultStateDir {
		return where.SystemRunDir
	}
	return ""
}

// directFailed tells both causes: the daemon's and the files'.
func directFailed(doing string, why, err error) *api.Error {
	e := *api.ErrorOf(doing, err)
	var marker *lockfile.MarkerError
	if errors.As(err, &marker) {
		if _, statErr := os.Lstat(marker.Path); errors.Is(statErr, fs.ErrNotExist) {
			e.Message = fmt.Sprintf("cannot %s: the state directory %q does not exist", doing, marker.Path)
			e.Next = "supd has never run with it, or its file system is not mounted; --state-dir names another"
		}
	}
	if why != nil {
		e.Message += fmt.Sprintf(" (and the daemon was no help: %v)", why)
	}
	return &e
}

// note says how it was done.
func (d *direct) note(what string) string {
	return fmt.Sprintf("%v; %s in %s", d.why, what, d.dir.Path())
}

// names are those of the config on disk, as far as they can be read.
func (d *direct) names() (lockfile.Plan, error) {
	names, err := d.a.namesOf(d.config)
	return lockfile.Plan{Services: names.Services, Groups: names.Groups}, err
}

// plan is names for a lock to resolve its members with. No config at all, or one
// with mistakes that gives names nevertheless, is no error there.
func (d *direct) plan() (lockfile.Plan, error) {
	plan, err := d.names()
	if len(plan.Services)+len(plan.Groups) > 0 || errors.Is(err, fs.ErrNotExist) && d.a.flags.config == "" {
		err = nil
	}
	return plan, err
}

// known refuses names that cannot be right: neither the plan in force nor the
// config has them. Where one of the two cannot be asked, a name given in full is
// good enough: no mistake in a config prevents a lock.
func (d *direct) known(doing string, t lockfile.Target) error {
	config, configErr := d.names()
	// The plan in force united with the config on disk: right after an edit either may be meant.
	r, err := d.dir.Resolve(t, &config)
	if err != nil || r.Known {
		return nil // unreadable plan: see above
	}
	inForce, _ := d.dir.Plan()
	told := configErr == nil || errors.Is(configErr, fs.ErrNotExist) && inForce.Generation > 0
	if !told && t.Kind == lockfile.TargetService {
		return nil
	}
	for _, l := range d.dir.Locks().Locks { // orphaned: gone from the config, but held
		if l.Target == t {
			return nil
		}
	}
	what := "service"
	if t.Kind == lockfile.TargetGroup {
		what = "group"
	}
	e := api.Errorf(api.CodeNotFound, "cannot %s %s: neither the plan in %s nor %s has such a %s", doing, t, d.dir.Path(), d.config, what)
	names := slices.Concat(slices.Collect(maps.Keys(config.Services)), slices.Collect(maps.Keys(inForce.Services)))
	if t.Kind == lockfile.TargetGroup {
		names = slices.Concat(slices.Collect(maps.Keys(config.Groups)), slices.Collect(maps.Keys(inForce.Groups)))
	}
	slices.Sort(names)
	if near := configs.Nearest(t.Name, names); near != "" {
		return e.WithNext(fmt.Sprintf("did you mean %q?", near))
	}
	return e.WithNext("the names are in " + d.dir.Path() + "/plan.toml")
}

// view shows lock files as the daemon would.
func (d *direct) view() api.LockView {
	boot, _ := proc.BootID() // without it nothing is called abandoned
	live := sync.OnceValue(func() map[string]bool {
		sessions, _ := who.LiveSessions() // likewise
		return sessions
	})
	inForce, err := d.dir.Plan()
	v := api.LockView{Now: time.Now(), Me: d.me, BootID: boot, Live: live, StateDir: d.dir.Path(), Copies: d.dir.Copies}
	v.Members = func(t lockfile.Target) []string {
		if t.Kind == lockfile.TargetHost {
			return nil
		}
		return inForce.Groups[t.Name]
	}
	if err == nil && len(inForce.Services) > 0 {
		v.Known = func(name string) bool { _, ok := inForce.Services[name]; return ok }
	}
	return v
}

// ignoreStop keeps Ctrl-Z from stopping supctl while it holds gates exclusively:
// everybody else would wait for it.
func ignoreStop() (restore func()) {
	signal.Ignore(syscall.SIGTSTP)
	return func() { signal.Reset(syscall.SIGTSTP) }
}

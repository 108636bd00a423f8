package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/where"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// Options say which supd this is.
type Options struct {
	ConfigPath string // the file; with ConfigText only its name in messages
	ConfigText []byte // an embedded config instead of a file
	StateDir   string // overrides the config's, "" does not
	RunDir     string
	Observe    bool // act on nothing
	StopOnExit bool // as if on_exit were "stop": the demo
	Log        *slog.Logger
	LastLog    func() // called before another program takes this process over: what was logged has to be out by then
	Version    string
	Commit     string
	Processors int // that actions are shared out to; 0: as many as the runtime has
}

// Supervisor is one running supd. Run it once.
type Supervisor struct {
	opts   Options
	log    *slog.Logger
	bootID string
	began  time.Time

	ctx   context.Context // of everything that works for the loop; ends after the loop
	done  chan struct{}   // closed when the loop has ended
	inbox chan message

	// The loop's own.
	core   *core.State
	quit   bool
	unseen map[string]bool // services not looked at since supd started; nil once it is ready

	dir       *lockfile.Dir
	right     *lockfile.DaemonLock
	unix      *net.UnixListener // clients wait in its backlog until run serves them
	table     *proc.Table
	notifier  *proc.Notifier
	lines     *lines
	cgroups   *proc.Cgroups // nil: none here
	hands     *hands.Hands
	journal   *journal.Journal
	metrics   *metrics
	memory    *memory
	vanished  *vanished
	unwritten atomic.Pointer[unwritten] // nil: the plan is in force
	overdue   *overdue
	telling   sync.Mutex // over the files of what people were told
	strays    *strays
	requests  *requests
	bell      bell
	lanes     *lanes // that looks and effects run in
	services  registry
	twins     twins
	checks    *watching
	jobs      *jobs
	rotation  *rotation
	acting    sync.WaitGroup // actions and hold writes under way

	planMu   sync.RWMutex
	plan     *configs.Plan // in force
	planGen  uint64
	loadedAt time.Time
	disk     diskPlan
	looker   doctor.Looker
	mistakes []string // of the last reload that failed
	reloadMu sync.Mutex

	veil atomic.Pointer[configs.Veil] // of the plan in force and those before

	problemMu sync.Mutex
	problems  map[string]string

	ready  chan struct{} // closed once every service has been observed
	grants api.Roles
	upgr   *upgrade
}

// ConfigError is a config with mistakes: nothing was started.
type ConfigError struct{ Mistakes configs.Mistakes }

func (e *ConfigError) Error() string { return e.Mistakes.Error() }

// Run supervises until ctx ends, SIGTERM-like, or the API is told to upgrade. reload wakes it to read the config again.
// Errors before the first service was touched are returned at once: *ConfigError, *lockfile.SecondDaemonError,
// *lockfile.MarkerError and others that name what is in the way.
func Run(ctx context.Context, o Options, signals Signals) error {
	s := &Supervisor{
		opts: o, began: time.Now(),
		done: make(chan struct{}), inbox: make(chan message, inboxMax), lanes: newLanes(cmp.Or(o.Processors, runtime.GOMAXPROCS(0))),
		memory: newMemory(), vanished: newVanished(), overdue: newOverdue(), strays: newStrays(), requests: newRequests(),
		services: registry{all: map[string]*service{}},
		problems: map[string]string{}, ready: make(chan struct{}),
	}
	s.log = slog.New(&veiledLog{Handler: o.Log.Handler(), hide: s.hide})
	s.rotation = newRotation(s)
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.run(ctx, signals)
}

// load reads the config as it is now.
func (s *Supervisor) load() (*configs.Plan, configs.Mistakes) {
	opt := configs.Options{StateDir: s.opts.StateDir, RunDir: s.opts.RunDir, Observe: s.opts.Observe}
	if s.opts.ConfigText != nil {
		return configs.LoadBytes(s.opts.ConfigPath, "/", s.opts.ConfigText, opt)
	}
	return configs.Load(s.opts.ConfigPath, opt)
}

// open makes everything ready that must be there before a service is looked at, in the protocol's order: the right to
// be the one supd, the marker, locks before config.
func (s *Supervisor) open(ctx context.Context) error {
	plan, mistakes := s.load()
	if len(mistakes) > 0 {
		return &ConfigError{mistakes}
	}
	s.plan, s.loadedAt = plan, time.Now()
	s.veil.Store(plan.Veil(nil))
	var err error
	if s.bootID, err = proc.BootID(); err != nil {
		return err
	}
	if err := makeRunDir(plan.Daemon.RunDir); err != nil {
		return err
	}
	s.upgr = inheritUpgrade()
	if err := s.openState(ctx); err != nil {
		return err
	}
	if s.table, err = proc.NewTable(); err != nil {
		return err
	}
	if s.cgroups, err = proc.FindCgroups(plan.Daemon.StateDir); err != nil {
		s.log.Info("services get no cgroups of their own; process groups serve instead", "why", err)
		s.cgroups = nil
	}
	s.hands = &hands.Hands{
		Table: s.table, Cgroups: s.cgroups, StateDir: s.dir.Path(),
		Notes: proc.Notes{Dir: filepath.Join(plan.Daemon.RunDir, "proc")},
		Warn:  func(service string, err error) { s.log.Warn(err.Error(), "service", service) },
		Later: s.lanes.tidy,
		Mute: func(service string, err error) {
			s.problem("log:"+service, fmt.Sprintf("the output of %q is lost until its next start: %v", service, err))
		},
	}
	if s.upgr != nil {
		for service, fds := range s.upgr.sockets {
			for _, fd := range fds {
				s.hands.InheritSocket(service, fd)
			}
		}
	}
	s.journal = journal.Open(journal.Options{
		Path:    filepath.Join(s.dir.Path(), "journal.db"),
		Present: s.dir.Present,
		Tell:    func(e journal.Event) { s.log.Warn(e.Text, "event", e.Type) },
	})
	s.metrics = newMetrics(s)
	s.checks = newWatching(s)
	if s.notifier, err = proc.NewNotifier(); err != nil {
		return err
	}
	if s.lines, err = newLineWait(); err != nil {
		s.problem("lines", "services that are ready by a line of their log will not become ready: "+err.Error())
	}
	s.jobs = newJobs(s)
	return nil
}

// openState opens the state directory, making it on a first start, and takes the right to be its one supd.
func (s *Supervisor) openState(ctx context.Context) error {
	path, run := s.plan.Daemon.StateDir, s.plan.Daemon.RunDir
	opts := lockfile.Options{Interrupted: s.interrupted}
	dir, err := lockfile.Open(path, opts)
	var marker *lockfile.MarkerError
	if errors.As(err, &marker) {
		if why := notFirstStart(path, run); why != "" {
			return fmt.Errorf("%w; %s", err, why)
		}
		if err := lockfile.Init(path, true); err != nil {
			return err
		}
		dir, err = lockfile.Open(path, opts)
	}
	if err != nil {
		return err
	}
	s.dir = dir
	if s.upgr != nil && s.upgr.right != nil {
		s.right, err = dir.AdoptDaemonLock(s.upgr.right)
	} else {
		s.right, err = dir.LockDaemon(ctx)
	}
	if err != nil {
		return err
	}
	// Before anything is written to RUN: a supd with another state directory may live there.
	if s.unix, err = s.listenAPI(); err != nil {
		return err
	}
	// For supctl without the daemon, and the memory that this boot's supd had a state directory: an unmounted one must not
	// be taken for a first start.
	return where.WriteStateDir(run, dir.Path())
}

// notFirstStart says why a state directory without its marker cannot be a first start; "" when RUN knows nothing against
// it (lockfile.Init looks at the directory itself and at fstab).
func notFirstStart(path, run string) string {
	known, err := where.StateDir(run)
	abs, absErr := filepath.Abs(path)
	if err != nil || absErr != nil || known != abs {
		return ""
	}
	return fmt.Sprintf("a supd used it earlier in this boot, so this is no first start; mount it, or, to begin with an empty "+
		"state (all locks and stops are forgotten), remove %s", filepath.Join(run, "state-dir"))
}

// makeRunDir makes RUN and checks that nobody else can put files there.
func makeRunDir(path string) error {
	if err := os.MkdirAll(filepath.Join(path, "proc"), 0o755); err != nil {
		return fmt.Errorf("cannot make the run directory %q: %w", path, err)
	}
	return where.Trusted(path, os.Geteuid())
}

// problem notes something about supd itself that people have to know; status shows it until it is solved.
func (s *Supervisor) problem(key, text string) {
	text = s.hide(text)
	s.problemMu.Lock()
	known := s.problems[key] == text
	s.problems[key] = text
	s.problemMu.Unlock()
	if known {
		return
	}
	s.log.Error(text)
	s.journal.Append(journal.Event{Type: "supd.problem", Severity: journal.Error, Text: text, Fields: map[string]string{"about": key}})
}

func (s *Supervisor) solved(key string) {
	s.problemMu.Lock()
	defer s.problemMu.Unlock()
	delete(s.problems, key)
}

// interrupted reports an action that somebody did not live to finish. Called with the gate held: it must not come back
// to the Dir.
func (s *Supervisor) interrupted(r lockfile.Record) {
	text := r.Interruption() + "; it is looked at afresh"
	s.log.Warn(text, "service", r.Service)
	if s.journal != nil {
		s.journal.Append(journal.Event{Type: "action.interrupted", Service: r.Service, Severity: journal.Warning, Text: text,
			Fields: map[string]string{"verb": string(r.Verb), "phase": r.Phase}})
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// inForce is the plan that supd goes by and its generation.
func (s *Supervisor) inForce() (*configs.Plan, uint64) {
	s.planMu.RLock()
	defer s.planMu.RUnlock()
	return s.plan, s.planGen
}

var _ api.Backend = (*Supervisor)(nil)

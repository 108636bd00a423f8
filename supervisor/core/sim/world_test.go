package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/supervisor/core"
)

// world is everything outside the core: files, processes, people, time.
type world struct {
	rng    *rand.Rand
	seed   uint64
	now    core.Instant
	step   int    // moments passed; orders everything for the oracle
	bugs   bugSet // the deliberate faults, none in the real runs
	blind  bool   // judge effects only, not what the core asks for
	stall  int    // moments for which the daemon is stopped (SIGSTOP)
	svc    []*service
	locks  []*lockFile
	tasks  []*task
	events []core.Event // told to the daemon and not yet taken by it
	st     *core.State  // nil: the daemon is dead
	life   int          // which daemon it is

	settle    time.Duration
	planGen   uint64
	diskFull  bool
	nextID    uint64
	open      map[uint64]bool // requests without a final answer
	cancelled []uint64
	kept      []string
	renamed   []*service
	starts    int

	knew   bool   // see knows
	found  string // the first violation
	traced bool
	log    []string
}

// service is one identity in the world; the name may change.
type service struct {
	i          int
	name       string
	spec       core.Spec
	configured bool
	group      bool // member of the one group

	proc      *proc // the newest instance, also when dead
	procFile  *proc // what RUN says
	completed bool
	maxGen    uint64
	gate      gate
	rec       *record
	epoch     int
	epochS    string
	settle    core.Instant
	holds     []core.Hold
	garbage   bool
	garbageAt int
	spawnFail bool
	ignores   bool // its processes ignore TERM
	neverUp   bool // its processes do not become ready
	interlock bool
	lockTold  bool // the daemon was told of the interlock
	failing   bool

	// what the oracle remembers
	released     int          // step of the last removal of a lock
	releasedAt   core.Instant // and when
	deliberate   bool         // somebody stopped it, and nobody started it since
	stoppedGen   uint64       // an instance that a person stopped; its Exited must lead to a hold
	stoppedClean bool         // it ended with exit code 0
	said         string       // the holds that were last said to suppress an action
	toldAt       int
	needs        []string // its prerequisites, as the daemon was told
	mayFail      bool     // some configuration gave it a limit, or the policy never
	unsaid       bool     // an automatic action was suppressed and no event said so yet
	times        times
	servedStep   int // when the observation behind the last Observed began
}

// proc is a process. Its start distinguishes it from others with its pid.
type proc struct {
	svc    *service
	pid    int
	start  int
	gen    uint64
	alive  bool
	seen   int // the daemon (life) that has a pidfd for it
	ready  bool
	termed *task // an automatic or operator's stop has sent TERM
}

// record is the in-flight file of a gate.
type record struct {
	by     *task
	life   int
	helper *task
	target *proc // TERM was sent to it
	guard  *task // the guarded command that runs
}

// gate is a flock: one description with writers' references, or readers.
type gate struct {
	ex *desc
	sh int
}

type desc struct{ refs int }

// lockFile is a lock on disk.
type lockFile struct {
	id       int
	ids      string
	owner    int
	host     bool
	group    bool
	members  uint // as recorded
	ended    bool
	returned bool // start printed LOCKED
	overdue  bool
	handing  bool // it was removed before its heir's was there
}

// settleTime is the grace time after a release, in half of the worlds; in the
// others it is off, or it would hide decisions that are too old.
const settleTime = 30 * time.Second

func newWorld(seed uint64, b bugSet) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), seed: seed, bugs: b, now: 1_000_000_000, planGen: 1, open: map[uint64]bool{}}
	if w.rng.IntN(2) == 0 {
		w.settle = settleTime
	}
	n := 1 + w.rng.IntN(3)
	for i := range n {
		s := &service{i: i, name: string(rune('a' + i)), epochS: "0", configured: true}
		s.group = w.rng.IntN(2) == 0
		w.svc = append(w.svc, s)
		s.spec = w.randomSpec(s)
	}
	w.boot()
	return w
}

// randomSpec is a configuration for s; it depends on services of lower index only.
func (w *world) randomSpec(s *service) core.Spec {
	r := w.rng
	sp := core.Spec{
		Name: s.name, Autostart: r.IntN(6) > 0, Stateful: r.IntN(4) == 0, Oneshot: r.IntN(10) == 0,
		Policy: core.OnFailure, Backoff: core.DefaultBackoff(), StopTimeout: 10 * time.Second, ReadyTimeout: 20 * time.Second,
		Ready: core.ReadyRule{Mode: core.ReadyTime, Delay: time.Duration(r.IntN(2)) * time.Second},
	}
	switch r.IntN(8) {
	case 0:
		sp.Policy = core.Always
	case 1:
		sp.Policy = core.Never
	}
	if r.IntN(6) == 0 {
		sp.OperatorStop = core.ChooseRestart
	}
	if r.IntN(3) == 0 {
		sp.Ready = core.ReadyRule{Mode: core.ReadyNotify}
	}
	if r.IntN(4) == 0 {
		sp.Limit = core.LimitRule{N: 2 + r.IntN(3), Per: 10 * time.Minute}
	}
	for j := range s.i {
		if r.IntN(2) == 0 {
			sp.DependsOn = append(sp.DependsOn, w.svc[j].name)
		}
	}
	return sp
}

// boot starts a daemon that knows nothing.
func (w *world) boot() {
	w.life++
	w.st = core.New(w.seed, false)
	w.tracef("daemon %d starts", w.life)
	for _, s := range w.svc {
		if s.configured {
			w.tell(core.Configure{Spec: s.spec, PlanGen: w.planGen})
		}
		if s.interlock {
			w.tell(core.Interlock{Service: s.name, Check: "disk", On: true, Reason: "errors"})
		}
	}
}

// die is kill -9 of the daemon: its tasks vanish, its flocks with them, unless a
// helper has the description too.
func (w *world) die() {
	w.tracef("daemon %d dies", w.life)
	w.st, w.events, w.stall = nil, nil, 0
	clear(w.open)
	kept := w.tasks[:0]
	for _, t := range w.tasks {
		if !t.daemon {
			kept = append(kept, t)
			continue
		}
		t.dead = true
		t.dropGates()
	}
	w.tasks = kept
	for _, s := range w.svc {
		s.lockTold, s.unsaid, s.stoppedGen, s.times = false, false, 0, times{}
		// What only the dead daemon knew is lost; what it wrote is not.
		s.deliberate = hasHold(s, core.HoldOperatorStop)
	}
}

func hasHold(s *service, k core.HoldKind) bool {
	for _, h := range s.holds {
		if h.Kind == k {
			return true
		}
	}
	return false
}

func (w *world) tell(ev core.Event) {
	if w.st != nil {
		w.events = append(w.events, ev)
	}
}

// byName finds the service that has or had the name: names differ in their first
// letter, renaming adds to the end.
func (w *world) byName(name string) *service {
	if name == "" || int(name[0]-'a') >= len(w.svc) {
		return nil
	}
	return w.svc[name[0]-'a']
}

// covers is locks.md's rule, for the oracle and for a right gate.
func (l *lockFile) covers(s *service) bool {
	return !l.ended && (l.host || l.members>>s.i&1 == 1 || (l.group && s.group))
}

// setEpoch gives the service a new unique token.
func (s *service) setEpoch(w *world, settle core.Instant) {
	s.epoch++
	w.starts++
	s.epochS = strconv.Itoa(w.starts)
	s.settle = settle
}

// changed has the watcher tell the daemon of changed lock or hold files.
func (w *world) changed(s *service) {
	if w.st == nil || w.has(bugNoWatcher) {
		return
	}
	for _, t := range w.tasks {
		if t.kind == taskWatch && t.svc == s && !t.dead {
			return
		}
	}
	w.tasks = append(w.tasks, &task{kind: taskWatch, svc: s, daemon: true})
}

func (w *world) changedBy(l *lockFile) {
	for _, s := range w.svc {
		w.changed(s)
	}
	_ = l
}

// violate notes the first violation.
func (w *world) violate(format string, args ...any) {
	if w.found == "" {
		w.found = fmt.Sprintf(format, args...)
		w.tracef("VIOLATION: %s", w.found)
	}
}

func (w *world) tracef(format string, args ...any) {
	if w.traced {
		w.log = append(w.log, fmt.Sprintf("%4d %8.3fs ", w.step, time.Duration(w.now).Seconds())+fmt.Sprintf(format, args...))
	}
}

func (w *world) trace() string { return strings.Join(w.log, "\n") }

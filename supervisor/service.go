package supervisor

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
)

// service is what the shell knows of a service: its config and the process it watches. What it means is the core's.
type service struct {
	name   string
	holdMu sync.Mutex // held while its hold files are written or removed; taken before mu and before gates

	mu         sync.Mutex
	conf       *configs.Service // latest; the next start uses it
	orphaned   bool             // vanished from the config: conf is the last one there was
	digest     string           // of conf, computed when it is first needed
	kept       bool             // locked or busy when the config changed: the plan in force has it as it was
	next       *configs.Service // with kept: what the config says now; nil: that is conf
	settling   bool             // kept is about to be looked at again
	settleMore bool             // something was told of it during that
	settleWait time.Duration    // until the next look, if an action is in the way

	proc    *proc.Process // nil: never seen one
	gen     uint64
	cgroup  string
	runs    string // digest of the config it was started with; "" if unknown
	limits  proc.Limits
	started time.Time
	adopted bool
	exited  bool
	exit    *core.Exit    // how proc ended, from a moment before the core was told; nil before that
	told    chan struct{} // closed when the core was told of the end of proc
	last    string        // how the last instance ended, in words

	holding     chan struct{} // closed when the last hold the core asked for is a file, or cannot be; nil: none was asked for
	relook      bool          // its lock state is unreadable and will be read again
	ending      uint64        // generation that supd itself is bringing down: its end is no surprise
	unfinished  bool          // an earlier supd had begun to stop it and did not live to see it through; set before the loop runs
	halfStopped proc.Identity // its main process then, if that was sent a signal: it may be gone and what it left behind not
	diedUnseen  bool          // found gone at supd's start; stands until it is started
	ended       proc.End      // with diedUnseen or completed: how and when, if that is on record already
	completed   bool          // a oneshot that ended well earlier in this boot

	wanted      proc.Limits // of conf, made when they are first needed
	wantedKnown bool
	limitsLeft  pendingLimits // why limits is not wanted

	ready  bool         // this instance was reported up
	talk   talk         // what it says by sd_notify
	beat   atomic.Int64 // core.Instant of its last sign of life
	errand *errand
}

// running gives the process that is watched, nil when there is none alive.
func (v *service) running() *proc.Process {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.proc == nil || v.exited {
		return nil
	}
	return v.proc
}

// digestLocked tells the latest config from others; "" without one. v.mu must be held.
func (v *service) digestLocked() string {
	if v.digest == "" && v.conf != nil {
		v.digest = v.conf.Digest()
	}
	return v.digest
}

// pending says whether the running instance was started with another config than the latest, or a newer one is kept back.
func (v *service) pending() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.otherLocked() {
		return true
	}
	return v.conf != nil && v.proc != nil && !v.exited && v.runs != "" && (v.runs != v.digestLocked() || len(v.lackLocked()) > 0)
}

// vanishedFromConfig says whether the config has it no more.
func (v *service) vanishedFromConfig() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.orphaned
}

// endTold waits, if the process has ended, until the core was told, or over is closed. waiting is told of it before.
func (v *service) endTold(over <-chan struct{}, waiting func()) {
	v.mu.Lock()
	p, told := v.proc, v.told
	v.mu.Unlock()
	if p == nil || told == nil || p.Alive() {
		return
	}
	waiting()
	select {
	case <-told:
	case <-over:
	}
}

// holdSaved waits until a hold that is on its way to the disk has arrived: an action that clears holds must not overtake it.
// waiting is told of it before.
func (v *service) holdSaved(waiting func()) {
	v.mu.Lock()
	ch := v.holding
	v.mu.Unlock()
	if ch != nil {
		waiting()
		<-ch
	}
}

// registry is all services by name. Services appear and vanish only by reload.
type registry struct {
	mu      sync.RWMutex
	all     map[string]*service
	sorted  []string    // names of all, read only; nil: to be made anew
	limited atomic.Bool // limits of a running service were left pending since supd started
	kept    atomic.Bool // a change of a service was kept back since supd started
	orphans atomic.Bool // there was one since supd started: the rare case that is worth a look at all services
}

func (r *registry) get(name string) *service {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all[name]
}

// conf is the latest config of a service; nil when there is none.
func (r *registry) conf(name string) *configs.Service {
	v := r.get(name)
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.conf
}

// put sets the config of a service, making the service if need be.
func (r *registry) put(name string, conf *configs.Service) *service {
	r.mu.Lock()
	v := r.all[name]
	if v == nil {
		v = &service{name: name}
		r.all[name] = v
		r.sorted = nil
	}
	r.mu.Unlock()
	v.mu.Lock()
	v.conf, v.orphaned, v.digest, v.wantedKnown, v.limitsLeft = conf, false, "", false, pendingLimits{}
	v.mu.Unlock()
	return v
}

func (r *registry) remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, name)
	r.sorted = nil
}

// names is every service, sorted; the caller's own.
func (r *registry) names() []string { return slices.Clone(r.sortedNames()) }

// sortedNames is names for who only reads: a list of thousands of locks asks for each of them.
func (r *registry) sortedNames() []string {
	r.mu.RLock()
	names := r.sorted
	r.mu.RUnlock()
	if names != nil {
		return names
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sorted = slices.Sorted(maps.Keys(r.all))
	return r.sorted
}

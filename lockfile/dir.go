package lockfile

import (
	"context"
	"os"
)

// Options are what a Dir needs from its user. The zero value is right for a program that only takes locks.
type Options struct {
	// Interrupted is told of an action that its maker did not live to finish, once, just before its record is removed.
	// Called with the service's gate held: it must not come back to the Dir.
	Interrupted func(Record)
	// JobListed says whether the systemd job of a record is still queued or running. Without it such a job counts as alive.
	JobListed func(job string) bool
}

// Dir is an opened state directory. All methods may be called from any goroutine.
type Dir struct {
	path string
	opts Options
}

// Path is the absolute path of the state directory.
func (d *Dir) Path() string { return d.path }

// DaemonLock is the right to be the one supd of a state directory.
type DaemonLock struct{ f *os.File }

// File is the descriptor that carries the right, close-on-exec; an upgrade in place passes it on.
func (l *DaemonLock) File() *os.File { return l.f }

// Init makes the layout of a new state directory at path and writes the marker last. firstStart says that the caller knows this
// to be a first start; without it an empty directory is refused, because it may be a mount that is missing.
func Init(path string, firstStart bool) error { return errNotBuilt }

// Open opens an existing state directory. Errors: *MarkerError (no marker: not initialised, or not mounted; treat everything
// as held), *DirError (symlink, foreign owner, writable by others, network file system).
func Open(path string, o Options) (*Dir, error) { return nil, errNotBuilt }

// LockDaemon makes the caller the one supd of this directory, waiting up to five seconds for a dying one.
// Error: *SecondDaemonError naming the first's pid.
func (d *Dir) LockDaemon(ctx context.Context) (*DaemonLock, error) { return nil, errNotBuilt }

// AdoptDaemonLock takes over the right from the program that was executed in this process before (upgrade in place).
func (d *Dir) AdoptDaemonLock(f *os.File) (*DaemonLock, error) { return nil, errNotBuilt }

// EnsureService makes the directories and the gate of services beforehand, so that a lock needs no new blocks on a full disk.
func (d *Dir) EnsureService(names ...string) error { return errNotBuilt }

// Cover reads everything that holds one service.
func (d *Dir) Cover(service string) Cover { return Cover{} }

// Locks lists every lock once, oldest first.
func (d *Dir) Locks() Listing { return Listing{} }

// Snapshot is Cover for many services, reading what they share once.
func (d *Dir) Snapshot(services []string) map[string]Cover { return nil }

// Epoch is the token of a service that changes at each release. A decision made under one epoch is void under another.
type Epoch struct {
	Token    string // "" if the service was never released
	BootID   string
	Boottime int64 // CLOCK_BOOTTIME in ns when it was written: a settle time counts from here, on this boot only
}

// Observation is what a decision starts from.
type Observation struct {
	PlanGen uint64
	Epoch   Epoch
	Cover   Cover
}

// Observe reads epoch, then locks, then holds. The caller looks at the process itself only afterwards.
// If the epoch or the plan cannot be read, Cover.Unreadable says so and nothing may be decided.
func (d *Dir) Observe(service string) Observation { return Observation{} }

// Records lists actions in flight, for display: it does not take gates, so an entry may be over when it is read.
func (d *Dir) Records() ([]Record, []Unreadable) { return nil, nil }

// AddHold makes a hold, durable on return. Needs no gate: like a lock, it stops the next action.
func (d *Dir) AddHold(service string, spec HoldSpec) (Hold, error) { return Hold{}, errNotBuilt }

// ListHolds reads the holds of a service.
func (d *Dir) ListHolds(service string) ([]Hold, []Unreadable) { return nil, nil }

// RemoveHolds removes the operator stops and restart limits of a service under its gate, after a new epoch.
// For a service that was seen up again. Held locks stand and are no obstacle.
func (d *Dir) RemoveHolds(ctx context.Context, service string) (removed int, err error) {
	return 0, errNotBuilt
}

// Plan reads plan.toml; a missing file is the zero plan.
func (d *Dir) Plan() (Plan, error) { return Plan{}, errNotBuilt }

// ReloadRequest puts a new plan in force.
type ReloadRequest struct {
	Affected []string                            // names, old and new, that appear, vanish or change identity
	Build    func(pending map[string]error) Plan // the next plan, without the changes of pending names. Its generation is set by Reload
	Swap     func(Plan)                          // called under the gates once plan.toml is durable: use the new plan from here on
}

// Reload takes the gates of the affected names, finds which are busy or locked (pending: their change waits), writes plan.toml,
// gives existing locks to new names of a recorded identity, and swaps.
func (d *Dir) Reload(ctx context.Context, r ReloadRequest) (Plan, error) {
	return Plan{}, errNotBuilt
}

// Recover is for a daemon that has LockDaemon: removes what ended locks, dead makers and old tombstones left behind, and says which
// actions are in flight (alive) and which were interrupted (reported, removed).
func (d *Dir) Recover(ctx context.Context) (Recovered, error) { return Recovered{}, errNotBuilt }

// Recovered is what Recover found.
type Recovered struct {
	Alive       []Record
	Interrupted []Record
	Unreadable  []Unreadable
}

// Change says what a Watcher saw. All: anything may have changed.
type Change struct {
	All      bool
	Services []string
}

// Watcher wakes when lock or hold files change, whoever changed them.
type Watcher struct {
	C <-chan struct{} // capacity one; closed when the watch ends
}

// Watch watches the lock and hold directories through inotify until ctx ends. No polling, no wake-up while nothing changes.
func (d *Dir) Watch(ctx context.Context) (*Watcher, error) { return nil, errNotBuilt }

// Take returns and forgets what changed since the last call.
func (w *Watcher) Take() Change { return Change{} }

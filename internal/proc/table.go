package proc

import (
	"errors"

	"golang.org/x/sys/unix"
)

var errNotBuilt = errors.New("proc: not built yet")

// Table holds every process that supd started or adopted, and tells when one ends. Safe for concurrent use.
type Table struct{}

// NewTable makes a table with its one goroutine. As PID 1 it also reaps orphans.
func NewTable() (*Table, error) { return nil, errNotBuilt }

// Close stops watching. Processes live on.
func (t *Table) Close() error { return nil }

// Subreaper makes supd the parent of its descendants' orphans, and reaps them. Not undone by Close.
func (t *Table) Subreaper() error { return errNotBuilt }

// Open finds the process with this identity again: a child (also after a re-exec of supd) or a stranger.
// ErrGone or ErrNotSame when it is no more. A zombie opens, and its exit is told at once.
func (t *Table) Open(id Identity) (*Process, error) { return nil, errNotBuilt }

// Start forks and executes. The child is the table's from its first instant. For internal/hands and Run only.
func (t *Table) Start(a Attr) (*Process, error) { return nil, errNotBuilt }

// Process is one process under a pidfd. Safe for concurrent use.
type Process struct{}

func (p *Process) Identity() Identity { return Identity{} }
func (p *Process) PID() int           { return 0 }

// Child says whether supd is its parent, so that its exit status will be exact.
func (p *Process) Child() bool { return false }

// Done is closed after the exit is known.
func (p *Process) Done() <-chan struct{} { return nil }

// Exit is how it ended; false while it runs.
func (p *Process) Exit() (Exit, bool) { return Exit{}, false }

// Alive asks the kernel: false for a zombie, true while any thread lives.
func (p *Process) Alive() bool { return false }

// OnExit calls f once, on the table's goroutine, or at once if it has ended. f must not block.
func (p *Process) OnExit(f func(Exit)) {}

// Signal sends through the pidfd. ErrGone if it has ended: never another process.
func (p *Process) Signal(sig unix.Signal) error { return errNotBuilt }

// Close forgets a stranger. A child is forgotten only after its exit, or nobody would reap it.
func (p *Process) Close() {}

// Attr says what to start and how.
type Attr struct {
	Path      string // absolute
	Argv      []string
	Dir       string
	Env       []string
	Files     []uintptr // become 0, 1, 2, …; everything else is closed
	UID, GID  uint32
	Groups    []uint32
	SetUser   bool // apply UID, GID, Groups
	Cgroup    *Cgroup
	Group     bool // own process group instead of an own session
	KillGroup bool // when it ends, kill what is left of its process group before it is reaped
}

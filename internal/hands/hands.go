package hands

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// Hands acts on services. One per daemon; safe for concurrent use, one action per
// service at a time (the gate sees to that).
type Hands struct {
	Table    *proc.Table
	Cgroups  *proc.Cgroups // nil: no cgroups here
	Notes    proc.Notes
	StateDir string
	Exe      string // supd's own binary, for helpers; "" = /proc/self/exe, which a package upgrade does not change
	Journal  string // path of the journal's stream socket; "" = JournalSocket
	// Mute is told that the output of a service goes nowhere, because its log cannot be opened; the service is started
	// all the same. nil: the start fails. Called from any goroutine.
	Mute func(service string, err error)
	// Warn is told what went wrong without stopping an action. May be nil; called from
	// the acting goroutine.
	Warn func(service string, err error)
	// Later has what only tidies up done at some time; nil: at once. What it does touches no living process.
	Later func(tidy func())

	sockets  sockets
	oomOnce  sync.Once
	oomBelow bool
}

func (h *Hands) exe() string {
	if h.Exe != "" {
		return h.Exe
	}
	return "/proc/self/exe"
}

// Signal sends sig to the process with this identity and to nothing else. The permit
// has to cover signal or reload on service. An error that is proc.ErrGone or
// proc.ErrNotSame: the process is no more, and nothing was signalled.
func (h *Hands) Signal(p *lockfile.Permit, service string, target proc.Identity, sig unix.Signal) error {
	if p.Check(service, lockfile.VerbReload) != nil {
		if err := p.Check(service, lockfile.VerbSignal); err != nil {
			return err
		}
	}
	if err := proc.SignalIdentity(target, sig); err != nil {
		return fmt.Errorf("cannot signal %q: %w", service, err)
	}
	return nil
}

// recorded is an identity as the in-flight record has it: the boot id stands there once
// for all.
func recorded(id proc.Identity) lockfile.Proc { return lockfile.Proc{PID: id.PID, Start: id.StartTime} }

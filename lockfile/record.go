package lockfile

import "time"

// Verb is an effect on a service.
type Verb string

const (
	VerbStart   Verb = "start"
	VerbStop    Verb = "stop"
	VerbRestart Verb = "restart"
	VerbReload  Verb = "reload"
	VerbSignal  Verb = "signal"
	VerbExec    Verb = "exec"
)

// Phases of an action, as the record names them. Others may be used; these have a meaning here.
const (
	PhaseBegun   = "begun"   // the gate is passed, nothing has been done
	PhaseStopped = "stopped" // restart: between its stop and its start
	PhaseDone    = "done"    // every effect is over; a record left in this phase was no interruption
)

// Proc is a process that cannot be mistaken for another on this boot. The zero value is no process.
type Proc struct {
	PID   int    `toml:"pid"`
	Start uint64 `toml:"start"` // /proc/PID/stat field 22, clock ticks since boot
}

// Record says what is being done to a service right now: inflight/NAME. It is written by
// whoever holds the gate, before the effect it speaks of, and outlives its writer: it is how
// others learn what a dead one left behind.
type Record struct {
	Format    int       `toml:"format"`
	Service   string    `toml:"service"`
	Verb      Verb      `toml:"verb"`
	Phase     string    `toml:"phase"`
	Automatic bool      `toml:"automatic"`
	By        string    `toml:"by,omitempty"`
	Reason    string    `toml:"reason,omitempty"`
	Since     time.Time `toml:"since"`
	BootID    string    `toml:"boot_id"`
	Maker     Proc      `toml:"maker"`              // who took the gate
	Shim      Proc      `toml:"shim"`               // helper that inherited the gate: alive = in flight. Not a process that becomes the service
	Script    Proc      `toml:"script"`             // program run for the action: alive = in flight
	Target    Proc      `toml:"target"`             // the service's process: old one for stop, new one for start
	TermSent  bool      `toml:"term_sent"`          // set before the first signal to Target: from then on its life is the action's
	Cgroup    Cgroup    `toml:"cgroup"`             // where Target and what it forked live, written with TermSent; zero: they have none
	UnitJob   string    `toml:"unit_job,omitempty"` // systemd job: listed = in flight
}

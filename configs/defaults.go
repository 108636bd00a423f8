package configs

import (
	"syscall"
	"time"
)

// Defaults are data: the New functions set them, Validate only judges.

// LockDuration is after how long a lock is overdue where neither its taker nor a
// config says so. It ends no lock.
const LockDuration = 4 * time.Hour

// Limits and defaults with names and units.
const (
	defaultStateDir = "/var/lib/supd"
	defaultRunDir   = "/run/supd"

	readyAlive       = time.Second      // a service that lives this long is ready
	readyTimeout     = time.Minute      // then the start has failed
	hookTimeout      = time.Minute      // of each command of a hook
	stopTimeout      = 10 * time.Second // then KILL
	overdueRemind    = time.Hour
	settleTime       = 30 * time.Second
	statefulLimitN   = 10
	statefulLimitPer = 10 * time.Minute
)

func newDaemon() Daemon {
	return Daemon{Mode: ModeActive, StateDir: defaultStateDir, RunDir: defaultRunDir, OnExit: ExitLeave}
}

// newAPI leaves the TCP listener off: two supds on one machine would want one
// port, and nothing needs it that was not set up.
func newAPI() API {
	return API{Operators: []string{"group:supd"}, Admins: []string{"group:supd-admin"}}
}

func newMaintenance() Maintenance {
	return Maintenance{DefaultDuration: LockDuration, RemindEvery: overdueRemind, Settle: settleTime}
}

// newService gives a service before its table is read. Two keys change other
// keys' defaults, so they are asked for here: a stateful service holds when in
// doubt, a job is not started by itself.
func newService(name string, stateful, oneshot bool, daemon Daemon, policy Maintenance) *Service {
	s := &Service{
		Name:      name,
		Mode:      daemon.Mode,
		Autostart: !oneshot,
		Ready:     Ready{Mode: ReadyTime, Delay: readyAlive},

		ReadyTimeout: readyTimeout,
		HookTimeout:  hookTimeout,
		Log:          LogAuto,
		LogRotate:    newLogRotate(),
		Restart: Restart{
			Policy: RestartOnFailure, OperatorStop: VerdictHold, UnknownExit: VerdictAgain,
			Backoff: Backoff{Then: 100 * time.Millisecond, Factor: 2, Max: time.Minute, Jitter: 0.1, ResetAfter: time.Minute},
		},
		Stop:        Stop{Signal: Signal(syscall.SIGTERM), Timeout: stopTimeout},
		Maintenance: policy,
		Checks:      map[string]*Check{},
	}
	if oneshot { // ready when it is done; one that fails waits for its next run, or for a person
		s.Ready = Ready{}
		s.Restart.Policy = RestartNever
	}
	if stateful {
		s.Restart.UnknownExit = VerdictHold
		s.Restart.Limit = Limit{N: statefulLimitN, Per: statefulLimitPer}
	}
	return s
}

package hands

import (
	"slices"
	"strconv"
	"time"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/socket"
)

// Spec is one instance of a command service, with everything already decided.
type Spec struct {
	Service  string
	Gen      uint64
	Argv     []string // Argv[0] is looked up in Env's PATH if it has no slash
	Dir      string   // "" = /
	Env      []string // complete and clean (see CleanEnv); Start adds the instance's mark (SUPD_SERVICE, …) and NOTIFY_SOCKET
	User     *proc.User
	Umask    *uint32            // nil: supd's own
	Nice     *int               // nil: supd's own
	OOM      *int               // oom_score_adj; nil: 0 if supd protects itself with one below 0, else supd's own
	Rlimits  []proc.Rlimit      // of its main process, inherited by all others
	Limits   []proc.CgroupLimit // of the whole instance; one with a value and no way to enforce it is a failed start
	Output   Output
	Config   string           // digest of the config it is started with, for the note
	Notify   string           // path of the service's notify socket, "" = none
	LogAt    int64            // for the note: where its output begins in its log file
	Listen   []socket.Address // opened before it is started, if they are not yet, and handed on (sd_listen_fds(3))
	Watchdog time.Duration    // how far apart its signs of life may be; 0: none are asked for
}

func (s *Spec) dir() string {
	if s.Dir == "" {
		return "/"
	}
	return s.Dir
}

// limits are those of its limits that can change while it runs, for its note.
func (s *Spec) limits() proc.Limits { return proc.LimitsOf(s.Rlimits, s.Limits) }

// mark is what tells an instance of a service from everything else, also from that of
// another supd.
func (h *Hands) mark(service string, gen uint64) proc.Mark {
	return proc.Mark{Daemon: proc.DaemonOf(h.StateDir), Service: service, Gen: gen}
}

// env is what the instance gets: Env with what names the instance. Own entries come
// last and so win over a config's.
func (h *Hands) env(s *Spec) []string {
	env := append(slices.Clone(s.Env), h.mark(s.Service, s.Gen).Environ()...)
	if s.Notify != "" {
		env = append(env, "NOTIFY_SOCKET="+s.Notify)
	}
	if len(s.Listen) > 0 {
		// LISTEN_PID is added by the child itself, see become.
		env = append(env, "LISTEN_FDS="+strconv.Itoa(len(s.Listen)), "LISTEN_FDNAMES="+listenNames(s.Listen))
	}
	if s.Watchdog > 0 {
		// Without WATCHDOG_PID, which nobody knows before the exec: sd_watchdog_enabled(3) takes it for its own then.
		env = append(env, "WATCHDOG_USEC="+strconv.FormatInt(s.Watchdog.Microseconds(), 10))
	}
	return env
}

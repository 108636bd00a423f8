package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
)

// spec decides everything about one instance of a service before anything is done: user, environment, output.
func (s *Supervisor) spec(conf *configs.Service, gen uint64) (hands.Spec, error) {
	u, err := lookupUser(conf)
	if err != nil {
		return hands.Spec{}, err
	}
	env, err := environment(conf, u)
	if err != nil {
		return hands.Spec{}, err
	}
	out, err := s.output(conf)
	if err != nil {
		return hands.Spec{}, err
	}
	if conf.Instance > 0 {
		env = append(env, fmt.Sprintf("SUPD_INSTANCE=%d", conf.Instance))
	}
	spec := hands.Spec{
		Service: conf.Name, Gen: gen, Argv: conf.Command, Dir: conf.Dir, Env: env, User: u, Output: out,
		Nice: conf.Nice, OOM: conf.OOMScore, Umask: (*uint32)(conf.Umask),
	}
	if n := conf.Limits.Nofile; n > 0 {
		spec.Nofile = &unix.Rlimit{Cur: n, Max: n}
	}
	return spec, nil
}

// script is a program that acts on a running service: as its user, in its directory, with its environment and output.
func (s *Supervisor) script(svc *service, conf *configs.Service, argv []string, timeout time.Duration) (hands.Script, error) {
	spec, err := s.spec(conf, 0)
	if err != nil {
		return hands.Script{}, err
	}
	env := append(spec.Env, "SUPD_SERVICE="+conf.Name)
	if p := svc.running(); p != nil {
		env = append(env, fmt.Sprintf("MAINPID=%d", p.PID()))
	}
	return hands.Script{Argv: argv, Dir: spec.Dir, Env: env, User: spec.User, Timeout: timeout, Output: spec.Output}, nil
}

func lookupUser(conf *configs.Service) (*proc.User, error) {
	if conf.User == "" && conf.Group == "" && len(conf.Groups) == 0 {
		return nil, nil
	}
	name := conf.User
	if name == "" {
		name = fmt.Sprint(os.Getuid())
	}
	u, err := proc.LookupUser(name, conf.Group, conf.Groups)
	if err != nil {
		return nil, err
	}
	return &u, nil
}

// environment is clean: what every login has, then env_file, then env; nothing of supd's own.
func environment(conf *configs.Service, u *proc.User) ([]string, error) {
	extra := map[string]string{}
	if conf.EnvFile != "" {
		vars, err := configs.ReadEnvFile(conf.EnvFile)
		if err != nil {
			return nil, err
		}
		extra = vars
	}
	for k, v := range conf.Env {
		extra[k] = v
	}
	return hands.CleanEnv(u, extra), nil
}

// output says where a service's output goes. A file is made in a directory that is there, or can be made.
func (s *Supervisor) output(conf *configs.Service) (hands.Output, error) {
	mode := conf.Log
	if mode == configs.LogAuto {
		mode = configs.LogFile
		if _, err := os.Stat(journalSocket); err == nil {
			mode = configs.LogJournal
		}
	}
	out := hands.Output{Mode: string(mode)}
	if mode != configs.LogFile {
		return out, nil
	}
	out.File = s.logFile(conf)
	if err := os.MkdirAll(filepath.Dir(out.File), 0o755); err != nil {
		return out, fmt.Errorf("cannot make the log directory: %w", err)
	}
	return out, nil
}

// journalSocket is where systemd-journald takes streams (systemd-journald.service(8)).
const journalSocket = "/run/systemd/journal/stdout"

// systemLogDir takes the log files of the host's supd; a private supd keeps them below its state directory.
const (
	systemLogDir   = "/var/log/supd"
	systemStateDir = "/var/lib/supd"
)

// logFile is the file of a service whose output goes to a file.
func (s *Supervisor) logFile(conf *configs.Service) string {
	if conf.LogFile != "" {
		return conf.LogFile
	}
	dir := systemLogDir
	if s.dir.Path() != systemStateDir {
		dir = filepath.Join(s.dir.Path(), "log")
	}
	return filepath.Join(dir, conf.Name+".log")
}

// cgroupOf is the cgroup of one instance, "" where there are none.
func (s *Supervisor) cgroupOf(name string, gen uint64) string {
	if s.cgroups == nil {
		return ""
	}
	return s.cgroups.Generation(name, gen).Path
}

// listenNotify opens the service's sd_notify socket and hands readiness of generation gen to the core. Until begun is closed
// the service's process is still the one before: a new one that is ready faster than its start is written down would
// pass for a stranger.
func (s *Supervisor) listenNotify(svc *service, gen uint64, begun <-chan struct{}) (path string, err error) {
	dir := filepath.Join(s.plan.Daemon.RunDir, "notify")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot make a socket for its notifications: %w", err)
	}
	svc.mu.Lock()
	if svc.notify != nil {
		svc.notify.Close()
		svc.notify = nil
	}
	svc.mu.Unlock()
	sock, err := proc.ListenNotify(filepath.Join(dir, svc.name+".sock"),
		func(pid int) bool {
			select {
			case <-begun:
			case <-s.done:
			}
			return s.member(svc, pid)
		},
		func(n proc.Notification) { s.notified(svc, gen, n) })
	if err != nil {
		return "", fmt.Errorf("cannot make a socket for its notifications: %w", err)
	}
	svc.mu.Lock()
	svc.notify = sock
	svc.mu.Unlock()
	return sock.Path(), nil
}

// member says whether a process may speak for a service: it is the main process, or in its cgroup, or descends from it.
func (s *Supervisor) member(svc *service, pid int) bool {
	svc.mu.Lock()
	p, cgroup := svc.proc, svc.cgroup
	svc.mu.Unlock()
	if p != nil && p.PID() == pid {
		return true
	}
	if s.cgroups != nil {
		if cgroup == "" {
			cgroup = s.cgroups.Service(svc.name).Path
		}
		pids, err := (&proc.Cgroup{Path: cgroup}).Procs()
		return err == nil && contains(pids, pid)
	}
	if p == nil {
		return false
	}
	for n := 0; pid > 1 && n < ancestorsMax; n++ {
		st, err := proc.ReadStat(pid)
		if err != nil {
			return false
		}
		if pid = st.PPID; pid == p.PID() {
			return true
		}
	}
	return false
}

// ancestorsMax bounds the walk up the process tree.
const ancestorsMax = 64

// notified takes one datagram of a service's.
func (s *Supervisor) notified(svc *service, gen uint64, n proc.Notification) {
	if n.Status != "" {
		svc.mu.Lock()
		svc.status = n.Status
		svc.mu.Unlock()
	}
	if n.Ready {
		s.send(core.Ready{Service: svc.name, Gen: gen})
	}
}

// closeNotify ends the notification sockets; adopted services get new ones at the same place.
func (s *Supervisor) closeNotify() {
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		svc.mu.Lock()
		if svc.notify != nil {
			svc.notify.Close()
			svc.notify = nil
		}
		svc.mu.Unlock()
	}
}

func contains(pids []int, pid int) bool {
	for _, p := range pids {
		if p == pid {
			return true
		}
	}
	return false
}

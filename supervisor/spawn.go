package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/proc"
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
		Watchdog: conf.Watchdog, Nice: conf.Nice, OOM: conf.OOMScore, Umask: (*uint32)(conf.Umask), Listen: conf.Addresses(),
		Rlimits: rlimits(conf), Limits: said(cgroupLimits(conf)),
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
	if p := svc.running(); p != nil && p.Alive() { // its end may not have been told yet
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
	mode, file := conf.LogPlace(s.dir.Path())
	out := hands.Output{Mode: string(mode), File: file}
	if file == "" {
		return out, nil
	}
	// Whoever opens the file finds out, and says so.
	_ = os.MkdirAll(filepath.Dir(out.File), 0o755)
	return out, nil
}

// cgroupOf is the cgroup of one instance, "" where there are none.
func (s *Supervisor) cgroupOf(name string, gen uint64) string {
	if s.cgroups == nil {
		return ""
	}
	return s.cgroups.Generation(name, gen).Path
}

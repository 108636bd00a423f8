package supervisor

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"time"
)

// Config is the effective configuration, secrets masked.
func (s *Supervisor) Config(_ context.Context, _ api.Peer, service string) (api.ConfigReply, error) {
	s.planMu.RLock()
	plan := s.plan
	reply := api.ConfigReply{Files: plan.Files, Generation: s.planGen, LoadedAt: s.loadedAt}
	s.planMu.RUnlock()
	if service != "" && plan.Services[service] == nil {
		return reply, api.Errorf(api.CodeNotFound, "cannot show the config of %q: the config in force has no service of that name", service).WithNext("supctl status")
	}
	reply.Show(plan, service)
	return reply, nil
}

// ConfigDiff is what a reload would do.
func (s *Supervisor) ConfigDiff(context.Context, api.Peer) (api.DiffReply, error) {
	reply := api.DiffReply{Changes: []api.Change{}, Mistakes: []string{}, Warnings: []string{}}
	next, mistakes := s.load()
	for _, m := range mistakes {
		reply.Mistakes = append(reply.Mistakes, m.String())
	}
	if len(mistakes) > 0 {
		return reply, nil
	}
	old, _ := s.inForce()
	reply.Changes = s.changes(old, next)
	for _, c := range reply.Changes {
		if c.Locked && c.Kind == "removed" {
			reply.Warnings = append(reply.Warnings, fmt.Sprintf("%s is locked and would vanish from the config; its lock is kept and shown as orphaned", c.Service))
		}
	}
	return reply, nil
}

// Reload reads the config again.
func (s *Supervisor) Reload(ctx context.Context, p api.Peer, r api.Reload, progress api.Progress) (api.ReloadReply, error) {
	defer s.recorded()
	return s.reload(ctx, p.Owner, r.Apply, progress)
}

// Upgrade re-executes the binary. The answer is the old program's; the connection closes when the new one begins.
func (s *Supervisor) Upgrade(ctx context.Context, p api.Peer, progress api.Progress) (api.Version, error) {
	v, err := s.Version(ctx, p)
	if err != nil {
		return v, err
	}
	s.record("supd.upgrade", "", "notice", "asked to execute its binary again by "+p.Owner.String(), nil)
	if err := s.beginUpgrade(ctx); err != nil {
		return v, api.Errorf(api.CodeFailed, "%v", err)
	}
	return v, nil
}

// Version is who answers.
func (s *Supervisor) Version(context.Context, api.Peer) (api.Version, error) {
	plan, _ := s.inForce()
	return api.Version{
		Version: s.opts.Version, Commit: s.opts.Commit, Go: runtime.Version(), PID: os.Getpid(), StartedAt: s.began,
		StateDir: s.dir.Path(), RunDir: plan.Daemon.RunDir, Config: s.opts.ConfigPath, Mode: string(plan.Daemon.Mode), Wire: api.WireVersion,
	}, nil
}

// programTryWait bounds how long a new program may take to say its version.
const programTryWait = 10 * time.Second

// tryProgram refuses a binary that cannot even say its version.
func (s *Supervisor) tryProgram(ctx context.Context, exe string) error {
	out, err := s.table.Run(ctx, proc.Command{Argv: []string{exe, "--version"}, Env: os.Environ(), Timeout: programTryWait})
	switch {
	case err != nil:
		return fmt.Errorf("%q cannot be executed: %w", exe, err)
	case out.TimedOut || !out.Exit.Known || out.Exit.Signal != 0 || out.Exit.Code != 0:
		return fmt.Errorf("%q --version: %v: %.200s", exe, out.Exit, out.Stderr)
	}
	return nil
}

// roles are who may do what by the plan in force.
func (s *Supervisor) roles() api.Roles {
	s.planMu.RLock()
	defer s.planMu.RUnlock()
	return s.grants
}

package supervisor

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// env is what a check may use of the world.
func (w *watching) env(service string) checks.Env {
	return checks.Env{
		Run: w.s.runForCheck,
		Process: func() (checks.Process, bool) {
			svc := w.s.services.get(service)
			if svc == nil {
				return checks.Process{}, false
			}
			p := svc.running()
			if p == nil || !p.Alive() {
				return checks.Process{}, false
			}
			id := p.Identity()
			return checks.Process{PID: id.PID, StartTime: id.StartTime}, true
		},
		Sample: func(_ context.Context, p checks.Process) (checks.Sample, error) { return w.samples.of(p, w.s.bootID) },
	}
}

// runForCheck runs a check's program: as the user it says, in a clean environment, with its whole group killed in the end.
func (s *Supervisor) runForCheck(ctx context.Context, c checks.Command) (checks.Output, error) {
	cmd := proc.Command{Argv: c.Argv, Dir: c.Dir, Stdin: c.Stdin, OutputBytesMax: c.OutputBytesMax}
	if c.User != "" {
		u, err := proc.LookupUser(c.User, "", nil)
		if err != nil {
			return checks.Output{}, err
		}
		cmd.User = &u
	}
	cmd.Env = append(hands.CleanEnv(cmd.User, nil), c.Env...)
	out, err := s.table.Run(ctx, cmd)
	return checks.Output{
		Known: out.Exit.Known, Code: out.Exit.Code, Signal: out.Exit.Signal,
		Stdout: out.Stdout, Stderr: out.Stderr, Truncated: out.Truncated, TimedOut: out.TimedOut,
	}, err
}

// clockTick is the unit of a process's CPU times: USER_HZ is 100 on every Linux that Go runs on (proc(5)).
const clockTick = 10 * time.Millisecond

// samplesMax bounds the kept-open descriptors; past it the cache is emptied and fills again with who is still asked for.
const samplesMax = 8192

// samples keeps a sampler per process, so that a process check costs one read.
type samples struct {
	mu  sync.Mutex
	all map[checks.Process]*proc.Sampler
}

func (c *samples) of(p checks.Process, boot string) (checks.Sample, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sampler := c.all[p]
	if sampler == nil {
		var err error
		if sampler, err = proc.NewSampler(proc.Identity{BootID: boot, PID: p.PID, StartTime: p.StartTime}); err != nil {
			return checks.Sample{}, err
		}
		if len(c.all) >= samplesMax {
			for old, s := range c.all {
				s.Close()
				delete(c.all, old)
			}
		}
		if c.all == nil {
			c.all = map[checks.Process]*proc.Sampler{}
		}
		c.all[p] = sampler
	}
	st, err := sampler.Sample()
	if err != nil {
		sampler.Close()
		delete(c.all, p)
		return checks.Sample{}, err
	}
	return checks.Sample{At: time.Now(), RSS: st.RSS, CPU: time.Duration(st.UTime+st.STime) * clockTick}, nil
}

// execAlone runs the program of a check that stands alone, or of a recovery: it acts on no service that supd knows of. For
// a service's check it goes through the gate all the same, as an action on that service.
func (s *Supervisor) execAlone(c *configs.Check, r checks.Report) {
	if r.Service != "" {
		if err := s.execGated(c, r); err != nil {
			s.record("action.failed", r.Service, journal.Warning, err.Error(), nil)
		}
		return
	}
	if why := s.hostHeld(); why != "" {
		s.record("action.suppressed", "", journal.Notice, fmt.Sprintf("not running the program of check %s: %s", r.Name, why), nil)
		return
	}
	plan, _ := s.inForce()
	if plan.Daemon.Mode == configs.ModeObserve {
		s.record("would.exec", "", journal.Notice, fmt.Sprintf("would run the program of check %s: %v", r.Name, c.Options.Exec), nil)
		return
	}
	out, err := s.table.Run(s.ctx, proc.Command{Argv: c.Options.Exec, Env: append(hands.CleanEnv(nil, nil), r.Environ()...), Timeout: execTimeout})
	if err == nil && (out.Exit.Code != 0 || out.Exit.Signal != 0 || out.TimedOut) {
		err = fmt.Errorf("%v: %.200s", out.Exit, out.Stderr)
	}
	if err != nil {
		s.record("action.failed", "", journal.Warning, fmt.Sprintf("cannot run the program of check %s: %v", r.Name, err), nil)
	}
}

// hostHeld says why nothing at all may be done on this host: a lock on --all, or locks that cannot be read. Only for
// programs that belong to no service; everything else asks the gate.
func (s *Supervisor) hostHeld() string {
	listed := s.dir.Locks()
	for _, l := range listed.Locks {
		if l.Target.Kind == lockfile.TargetHost {
			return fmt.Sprintf("the host is locked by %s%s", l.Owner, because(l.Reason))
		}
	}
	if len(listed.Unreadable) > 0 {
		return fmt.Sprintf("lock file %s cannot be read", listed.Unreadable[0].Path)
	}
	return ""
}

// cpuPercent is a process's share of one processor since it started.
func cpuPercent(st proc.Stat) float64 {
	uptime := time.Duration(now()) - time.Duration(st.StartTime)*clockTick
	if uptime <= 0 {
		return 0
	}
	return 100 * float64(time.Duration(st.UTime+st.STime)*clockTick) / float64(uptime)
}

// tickTime is a start time of /proc as a time of day.
func tickTime(ticks uint64) time.Time {
	return time.Now().Add(-(time.Duration(now()) - time.Duration(ticks)*clockTick))
}

// commandOf is a process's command line, or its name where that is empty (a kernel thread, a zombie).
func commandOf(st proc.Stat) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", st.PID))
	if err != nil || len(b) == 0 {
		return "[" + st.Comm + "]"
	}
	for i, c := range b {
		if c == 0 {
			b[i] = ' '
		}
	}
	return string(b[:len(b)-1])
}

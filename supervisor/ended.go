package supervisor

import (
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
	"golang.org/x/sys/unix"
)

// followMain has the end of p told as the end of the service, unless another process is its main one by then.
func (s *Supervisor) followMain(svc *service, p *proc.Process, gen uint64, told chan struct{}) {
	p.OnExit(func(e proc.Exit) {
		svc.mu.Lock()
		socket := svc.talk.socket
		svc.mu.Unlock()
		if socket == nil {
			s.over(svc, p, gen, told, e)
			return
		}
		// Its last words may name another main process. Not here: OnExit runs on the goroutine of all processes.
		go func() {
			socket.Drain()
			s.over(svc, p, gen, told, e)
		}()
	})
}

// over notes the end of a service's main process and has the core told.
func (s *Supervisor) over(svc *service, p *proc.Process, gen uint64, told chan struct{}, e proc.Exit) {
	svc.mu.Lock()
	if svc.gen == gen && svc.proc != p {
		svc.mu.Unlock()
		return
	}
	s.lines.forget(svc.name, gen)
	exit := core.Exit{
		Known: e.Known, Code: e.Code, Signal: e.Signal, CoreDump: e.CoreDump,
		BySupd: svc.ending == gen,
	}
	cgroup, conf := svc.cgroup, svc.conf
	if svc.gen == gen {
		svc.exited, svc.last = true, e.String()
		s.checks.ended(svc.name)
	}
	svc.mu.Unlock()
	if e.Signal == int(unix.SIGKILL) || e.Known && e.Code != 0 {
		exit.OOM = s.oomKilled(cgroup)
	}
	go func() {
		defer close(told)
		exit.BySupd = exit.BySupd || s.stoppedByRecord(svc, p)
		s.somebodyAtWork(conf, &exit)
		svc.mu.Lock()
		if svc.gen == gen {
			svc.exit = &exit
		}
		svc.mu.Unlock()
		s.send(core.Exited{Service: svc.name, Gen: gen, Exit: exit})
	}()
}

// oomKilled says whether the kernel killed something in the cgroup for want of memory.
func (s *Supervisor) oomKilled(cgroup string) bool {
	if cgroup == "" {
		return false
	}
	n, ok := (&proc.Cgroup{Path: cgroup}).OOMKills()
	return ok && n > 0
}

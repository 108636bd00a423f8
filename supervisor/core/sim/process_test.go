package sim

import "github.com/supd/supd/supervisor/core"

// spawn makes a process. There are four pids: they are used again soon.
func (w *world) spawn(s *service, gen uint64) *proc {
	w.starts++
	pid := 1 + w.rng.IntN(4)
	for w.pidTaken(pid) {
		pid = pid%4 + 1
	}
	p := &proc{svc: s, pid: pid, start: w.starts, gen: gen, alive: true}
	s.proc = p
	if s.spec.Ready.Mode != core.ReadyNotify {
		p.ready = true
	}
	return p
}

func (w *world) pidTaken(pid int) bool {
	for _, s := range w.svc {
		if s.proc != nil && s.proc.alive && s.proc.pid == pid {
			return true
		}
	}
	return false
}

// end has a process end, and the daemon told of it if it has its pidfd.
func (w *world) end(p *proc, e core.Exit) {
	if !p.alive {
		return
	}
	p.alive = false
	e.Known = true
	w.tracef("%s gen %d pid %d ends: %v", p.svc.name, p.gen, p.pid, e)
	if w.st != nil && p.seen == w.life {
		w.tell(core.Exited{Service: p.svc.name, Gen: p.gen, Exit: e})
	}
}

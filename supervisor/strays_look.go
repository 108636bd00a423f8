package supervisor

import (
	"maps"
	"os"
	"slices"
	"time"

	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/socket"
	"github.com/supd/supd/internal/stray"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// place is an address that must be free while a service is meant to be down.
type place struct {
	service string
	address socket.Address
}

// wantsOf is how these services look, by program, and which addresses must be free. Never nil, so that nothing to look for is
// told from not yet worked out.
func (s *Supervisor) wantsOf(names []string) (map[string][]stray.Want, []place) {
	wants, places := map[string][]stray.Want{}, []place(nil)
	for _, name := range names {
		if w, ok := s.wantOf(name); ok {
			wants[w.Exe] = append(wants[w.Exe], w)
		}
		s.strays.mu.Lock()
		ran, ok := s.strays.ran[name]
		s.strays.mu.Unlock()
		if ok {
			wants[ran.Exe] = append(wants[ran.Exe], stray.Ran(name, ran))
		}
		if conf := s.services.conf(name); conf != nil {
			for _, a := range stray.Addresses(conf.Maintenance.MustBeFree) {
				places = append(places, place{name, a})
			}
		}
	}
	return wants, places
}

// wantOf is how a service looks by its config; ok is false without one, and where its program is not installed.
func (s *Supervisor) wantOf(name string) (stray.Want, bool) {
	conf := s.services.conf(name)
	if conf == nil {
		return stray.Want{}, false
	}
	env, err := environment(conf, nil)
	if err != nil { // its env_file cannot be read now
		env = hands.CleanEnv(nil, nil)
	}
	return stray.Of(name, conf.Command, orElse(conf.Dir, "/"), env)
}

// look judges one process. What is only alike counts when it was seen before, and still is.
func (w *strayWatch) look(pid int, confirmed bool) { w.lookAt(pid, confirmed, time.Time{}) }

// lookAt leaves out what was there before the locks were, if started says when the process began: it was not started under
// them.
func (w *strayWatch) lookAt(pid int, confirmed bool, started time.Time) {
	wants := w.wants[stray.ExeOf(pid)]
	if len(wants) == 0 {
		return
	}
	p, ok := stray.Read(pid)
	if !ok {
		return
	}
	by, asked := "", false
	for i := range wants {
		want := &wants[i]
		like := want.Like(&p)
		if like == stray.Other {
			continue
		}
		if !asked { // not for the many that are like nothing
			by, asked = w.s.runner(pid), true
			if by != "" && w.s.twin(by, &p) {
				return
			}
		}
		switch {
		case by == want.Service || by == "" && w.s.inCgroup(want.Service, pid):
		case !started.IsZero() && started.Before(w.s.strays.meantDownSince(want.Service, w.s.bootID)):
		case want.Common && w.s.othersSupd(pid): // two supds with a `sleep 1000` each have nothing to do with each other
		default:
			w.judge(want.Service, pid, like, confirmed, !want.Common)
		}
	}
}

// judge gives the alarm about a process that is nobody's.
func (w *strayWatch) judge(service string, pid int, like stray.Likeness, confirmed, sure bool) {
	if like == stray.Same { // also of everybody's program: a release beside a second copy costs more than a --force
		w.s.raise(service, pid, "", "runs its command", true)
		return
	}
	if w.s.byOwner(service, pid) {
		return // work with the service's own program is what the lock is for
	}
	if confirmed || w.s.strays.leftBehind(service) {
		w.s.raise(service, pid, "", "runs its program in its place", sure)
		return
	}
	if _, waits := w.pending[pid]; !waits && !w.s.strays.known(service, pid) {
		w.pending[pid] = time.Now().Add(strayConfirm)
	}
}

// othersSupd says whether another supd of this host runs the process.
func (s *Supervisor) othersSupd(pid int) bool {
	mark, ok := proc.MarkOf(pid)
	return ok && mark.Daemon != "" && mark.Daemon != proc.DaemonOf(s.dir.Path())
}

// startSlack is for a start time that is known to a clock tick only, and a wall clock that is slewed.
const startSlack = 2 * clockTick

// meantDownSince is when the first lock that means a service to be down was taken; zero for one of an earlier boot, which is
// older than every process.
func (t *strays) meantDownSince(service, bootID string) (since time.Time) {
	for _, l := range t.locksOn(service) {
		switch {
		case !l.MeantDown:
		case l.BootID != bootID:
			return time.Time{}
		case since.IsZero() || l.TakenAt.Before(since):
			since = l.TakenAt
		}
	}
	return since.Add(-startSlack)
}

// twin says whether a process that belongs to a service is what that service runs, or runs the very same beside it.
func (s *Supervisor) twin(service string, p *stray.Program) bool {
	want, ok := s.wantOf(service)
	return ok && want.Like(p) != stray.Other
}

// inCgroup finds what has thrown its mark and its parents away.
func (s *Supervisor) inCgroup(service string, pid int) bool {
	svc := s.services.get(service)
	if svc == nil {
		return false
	}
	svc.mu.Lock()
	cgroup := svc.cgroup
	svc.mu.Unlock()
	return cgroup != "" && (&proc.Cgroup{Path: cgroup}).Contains(pid)
}

// runner is the service that a process belongs to, "" for none: whose main process is above it, or whose mark it carries.
// Programs that supd itself runs for a service (hooks, checks) belong to it as well.
func (s *Supervisor) runner(pid int) string {
	mark, marked := proc.MarkOf(pid)
	mine := marked && (mark.Daemon == "" || mark.Daemon == proc.DaemonOf(s.dir.Path()))
	mains := map[int]string{}
	for _, name := range s.services.names() {
		if p := s.services.get(name).running(); p != nil {
			mains[p.PID()] = name
		}
	}
	for at := pid; at > 1; {
		if name, ok := mains[at]; ok {
			return name
		}
		st, err := proc.ReadStat(at)
		if err != nil {
			break
		}
		at = st.PPID
	}
	if mine {
		return mark.Service
	}
	return ""
}

// byOwner says whether a process belongs to the login session of somebody who holds a lock on the service.
func (s *Supervisor) byOwner(service string, pid int) bool {
	o, err := who.Of(pid)
	if err != nil || o.Session == "" {
		return false
	}
	for _, l := range s.strays.locksOn(service) {
		if l.Owner.Same(o) {
			return true
		}
	}
	return false
}

func (t *strays) locksOn(service string) []lockfile.Lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.locks[service]
}

// ports looks who listens where nobody may.
func (w *strayWatch) ports() {
	began := time.Now()
	if len(w.places) == 0 {
		w.portsAt = time.Time{}
		return
	}
	taken := map[string]place{} // by inode
	var inodes []string
	for _, p := range w.places {
		for _, inode := range p.address.Inodes() {
			taken[inode] = p
			if !w.judged[inode] {
				inodes = append(inodes, inode)
			}
		}
	}
	maps.DeleteFunc(w.judged, func(inode string, _ bool) bool { _, still := taken[inode]; return !still })
	w.s.freed(func(_, inode string) bool { _, still := taken[inode]; return still })
	if len(inodes) > 0 {
		holders := socket.Holders(inodes)
		for _, inode := range inodes {
			w.judged[inode] = true
			w.listens(taken[inode], inode, holders[inode])
		}
	}
	step := strayPortsEvery
	if delays := portDelays(); w.portStep+1 < len(delays) {
		w.portStep++
		step = delays[w.portStep]
	}
	w.portsFloor = time.Now().Add(strayCost * time.Since(began))
	w.portsAt = later(time.Now().Add(step), w.portsFloor)
}

// listens judges one listening socket; pid 0: whose cannot be seen.
func (w *strayWatch) listens(p place, inode string, pid int) {
	if pid == os.Getpid() || pid != 0 && w.s.runner(pid) == p.service {
		return
	}
	how := "listens on " + p.address.String()
	if pid == 0 {
		if !slices.Contains(p.address.Inodes(), inode) {
			return // closed while its holder was looked for, as a service's own is when it has been stopped
		}
		w.s.raise(p.service, 0, inode, how, true)
		return
	}
	w.s.raise(p.service, pid, inode, how, true)
}

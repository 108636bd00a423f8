package supervisor

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
)

// member says whether a process may speak for a service: it is the main process, in its cgroup, or descends from it.
func (s *Supervisor) member(svc *service, pid int) bool {
	svc.mu.Lock()
	p, cgroup := svc.proc, svc.cgroup
	svc.mu.Unlock()
	switch {
	case p == nil || pid <= 1:
		return false
	case p.PID() == pid: // also its last words
		return true
	case cgroup != "":
		return (&proc.Cgroup{Path: cgroup}).Contains(pid)
	}
	for n := 0; pid > 1 && n < ancestorsMax; n++ {
		st, err := proc.ReadStat(pid)
		switch {
		case err != nil:
			return false
		case st.PPID == p.PID(), st.Session == p.PID(): // the session is the instance's own
			return true
		}
		pid = st.PPID
	}
	return false
}

// ancestorsMax bounds the walk up the process tree.
const ancestorsMax = 64

// newMain makes another process of the service's own its main one: the one that is watched, signalled and noted. The
// instance and its generation stay what they are.
func (s *Supervisor) newMain(svc *service, gen uint64, n proc.Notification) {
	svc.mu.Lock()
	same := svc.proc != nil && svc.proc.PID() == n.MainPID
	svc.mu.Unlock()
	if same {
		return
	}
	next, err := s.openMember(svc, n.MainPID)
	if err == nil {
		err = s.swapMain(svc, gen, next)
	}
	if err != nil {
		s.ignoreNote(svc, gen, "main_pid", n.PID, fmt.Sprintf("MAINPID=%d: %v", n.MainPID, err))
	}
}

// errNoMember: a service names only its own processes.
var errNoMember = errors.New("that is no process of the service")

// openMember opens a process of the service by its pid. It is judged again once it is open: from then on its number cannot
// become somebody else's.
func (s *Supervisor) openMember(svc *service, pid int) (*proc.Process, error) {
	if !s.member(svc, pid) {
		return nil, errNoMember
	}
	start, err := proc.StartTime(pid)
	if err != nil {
		return nil, err
	}
	p, err := s.table.Open(proc.Identity{BootID: s.bootID, PID: pid, StartTime: start})
	if err != nil {
		return nil, err
	}
	if !p.Alive() || !s.member(svc, pid) {
		p.Forget()
		return nil, errNoMember
	}
	return p, nil
}

// swapMain puts next in the place of the main process, unless that has been reported as ended already.
func (s *Supervisor) swapMain(svc *service, gen uint64, next *proc.Process) error {
	svc.mu.Lock()
	old, told := svc.proc, svc.told
	if svc.gen != gen || svc.exited || svc.ending == gen {
		svc.mu.Unlock()
		next.Forget()
		return errors.New("the service is ending")
	}
	note, err := s.hands.Notes.Read(svc.name)
	if err == nil {
		note.Process = next.Identity()
		err = s.hands.Notes.Write(note)
	}
	if err != nil {
		// Should supd die, the next one finds it by its cgroup or environment.
		s.log.Warn("cannot note the new main process", "service", svc.name, "err", err)
	}
	svc.proc = next
	svc.mu.Unlock()
	old.Forget() // a child stays until it is reaped; its end is no longer the service's
	s.record("service.main_pid", svc.name, journal.Notice,
		fmt.Sprintf("the main process of %q is now pid %d, as it says itself", svc.name, next.PID()),
		map[string]string{"pid": strconv.Itoa(next.PID()), "before": strconv.Itoa(old.PID())})
	s.followMain(svc, next, gen, told)
	return nil
}

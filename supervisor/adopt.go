package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// adopt finds the processes that an earlier supd left running and watches them. Nothing is started or signalled here:
// every service then goes to the core, whose first observation decides.
func (s *Supervisor) adopt(ctx context.Context) {
	interrupted := s.recover(ctx)
	notes, damaged := s.hands.Notes.All()
	for _, err := range damaged {
		s.problem("note:"+err.Error(), "cannot read what an earlier supd noted of a process: "+err.Error()+
			"; the process is looked for by its cgroup and environment")
	}
	noted := map[string]proc.Note{}
	for _, n := range notes {
		noted[n.Service] = n
		if s.services.get(n.Service) == nil {
			s.orphanFromNote(n)
		}
	}
	for _, name := range s.services.names() {
		n, known := noted[name]
		s.adoptOne(s.services.get(name), n, known, interrupted[name])
	}
}

// recover clears up what dead programs left in the state directory and gives the actions they did not finish.
func (s *Supervisor) recover(ctx context.Context) map[string]lockfile.Record {
	found, err := s.dir.Recover(ctx)
	if err != nil {
		s.problem("recover", "cannot clear up the state directory: "+err.Error())
	}
	for _, u := range found.Unreadable {
		s.problem("recover:"+u.Path, "cannot read "+u.Path+": "+u.Err.Error()+"; what it is about is not acted on until it is mended: supctl maintenance doctor has the command")
	}
	by := map[string]lockfile.Record{}
	for _, r := range found.Interrupted {
		by[r.Service] = r
	}
	for _, r := range found.Alive {
		by[r.Service] = r
	}
	return by
}

// adoptOne makes a running process of the service its process again, by its note, or, if supd died between fork and
// note, by its cgroup and environment.
func (s *Supervisor) adoptOne(svc *service, n proc.Note, known bool, r lockfile.Record) {
	gone := false // the noted process has ended: nothing else is the service
	var end proc.End
	if known && n.Process.BootID == s.bootID {
		end, gone = s.hands.Notes.EndOf(n) // also of one that nobody has reaped yet
	}
	if known && !gone {
		p, err := s.table.Open(n.Process)
		gone = errors.Is(err, proc.ErrGone)
		if err == nil {
			s.take(svc, p, n, r)
			return
		}
		if !errors.Is(err, proc.ErrGone) && !errors.Is(err, proc.ErrNotSame) {
			s.problem("adopt:"+svc.name, "cannot watch the process of \""+svc.name+"\" again: "+err.Error())
		}
	}
	if found, ok := s.findUnnoted(svc.name, n.Gen, r, gone); ok {
		if p, err := s.table.Open(found.Process); err == nil {
			if err := s.hands.Notes.Write(found); err != nil {
				s.log.Warn("cannot note an adopted process", "service", svc.name, "err", err)
			}
			s.take(svc, p, found, r)
			return
		}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.gen, svc.cgroup, svc.exited = n.Gen, n.Cgroup, true
	svc.completed = n.Completed
	if svc.inherit(r, s.bootID); r.TermSent && svc.unfinished { // what it left behind may live on, and is still being told to go
		if svc.cgroup == "" && s.cgroups != nil {
			svc.cgroup = s.cgroups.Service(svc.name).Path
		}
	}
	// A stop by supd itself that was cut short is no crash: its hold is on disk, so the core will not want it up.
	died := known && !n.Completed && n.Process.BootID == s.bootID
	halfway := !known && r.BootID == s.bootID && (r.Verb == lockfile.VerbRestart || r.Verb == lockfile.VerbStart)
	svc.diedUnseen = died || halfway
	svc.ended = end
}

// take adopts one process.
func (s *Supervisor) take(svc *service, p *proc.Process, n proc.Note, r lockfile.Record) {
	svc.mu.Lock()
	svc.adopted, svc.started, svc.runs = true, n.Started, n.Config
	svc.limits = n.Limits
	if len(svc.lackLocked()) > 0 || len(n.Limits) > 0 {
		s.services.limited.Store(true) // the config may have changed while nobody was there: given at the first look
	}
	svc.inherit(r, s.bootID)
	if r.TermSent && svc.unfinished && r.Target.PID == n.Process.PID && r.Target.Start == n.Process.StartTime {
		svc.ending = n.Gen // the earlier supd had sent the signal: its end is no deliberate stop by somebody else
	}
	svc.mu.Unlock()
	var socket *proc.NotifySocket
	if n.Notify != "" { // it was told where to send, and goes on sending there
		var err error
		if socket, err = s.listenNotify(svc, n.Gen); err != nil {
			s.log.Warn("cannot listen for notifications of an adopted service", "service", svc.name, "err", err)
		}
	}
	if conf := s.services.conf(svc.name); conf != nil {
		if err := s.hands.TakeSockets(svc.name, p, conf.Addresses()); err != nil {
			s.log.Warn("cannot take back the sockets of an adopted service: the next start opens them anew", "service", svc.name, "err", err)
		}
	}
	svc.beat.Store(int64(now())) // nobody listened for a while
	s.watch(svc, p, n.Gen, n.Cgroup, n.Watchdog)
	s.listen(svc, socket)
	if conf := s.services.conf(svc.name); conf != nil && n.LogAt > 0 {
		s.awaitLine(svc, conf, n.Gen, n.LogAt) // an upgrade in the middle of its start
	}
}

// findUnnoted looks for a process that was forked just before supd died. Without cgroups the record names it (a held-back
// child runs only once it is recorded); with them it is in its cgroup. last is the newest generation that was noted.
func (s *Supervisor) findUnnoted(name string, last uint64, r lockfile.Record, gone bool) (proc.Note, bool) {
	if s.cgroups == nil {
		if r.Target.PID == 0 || r.TermSent || r.BootID != s.bootID {
			return s.findMarked(name, last, gone)
		}
		id := proc.Identity{BootID: r.BootID, PID: r.Target.PID, StartTime: r.Target.Start}
		return proc.Note{Service: name, Gen: last + 1, Process: id, Started: r.Since}, true
	}
	gens, err := s.cgroups.Generations(name)
	if err != nil {
		return proc.Note{}, false
	}
	for i := len(gens) - 1; i >= 0 && gens[i] > last; i-- {
		g, err := s.cgroups.Make(name, gens[i])
		if err != nil {
			continue
		}
		pids, _ := g.Procs()
		if id, ok := leader(pids); ok {
			return proc.Note{Service: name, Gen: gens[i], Process: id, Cgroup: g.Path, Started: time.Now()}, true
		}
	}
	return proc.Note{}, false
}

// findMarked looks for a process by its environment: the note is gone (somebody cleaned RUN) or names another process.
// Whatever leads a session in the service's name is taken for it: a second copy is worse than a child taken for its parent.
func (s *Supervisor) findMarked(name string, last uint64, gone bool) (proc.Note, bool) {
	if gone {
		return proc.Note{}, false
	}
	found, err := proc.FindMarked(proc.Mark{Daemon: proc.DaemonOf(s.dir.Path()), Service: name})
	if err != nil {
		s.problem("adopt:"+name, fmt.Sprintf("cannot look for a process of %q that was not noted: %v", name, err))
		return proc.Note{}, false
	}
	pids := make([]int, len(found))
	for i, id := range found {
		pids[i] = id.PID
	}
	id, ok := leader(pids)
	return proc.Note{Service: name, Gen: last + 1, Process: id, Started: time.Now()}, ok
}

// leader is the process that was started first: the main one, since everything else in the cgroup descends from it.
func leader(pids []int) (proc.Identity, bool) {
	var first proc.Identity
	boot, err := proc.BootID()
	if err != nil {
		return first, false
	}
	for _, pid := range pids {
		st, err := proc.ReadStat(pid)
		if err != nil || st.State == 'Z' || st.State == 'X' {
			continue
		}
		if first.PID == 0 || st.Session == pid || st.StartTime < first.StartTime && first.PID != st.Session {
			first = proc.Identity{BootID: boot, PID: pid, StartTime: st.StartTime}
		}
	}
	return first, first.PID != 0
}

// orphanFromNote keeps a running service whose config vanished while supd was not there: watched, never restarted.
func (s *Supervisor) orphanFromNote(n proc.Note) {
	if n.Process.BootID != s.bootID || n.Completed {
		return
	}
	if _, err := proc.StartTime(n.Process.PID); errors.Is(err, proc.ErrGone) {
		if err := s.hands.Notes.Remove(n.Service); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("cannot remove the note of a process that is gone", "service", n.Service, "err", err)
		}
		return
	}
	svc := s.services.put(n.Service, nil)
	svc.orphaned = true
	s.services.orphans.Store(true)
}

// introduce gives every service to the core. Orphans without a config are watched with a policy that never starts them. u
// is what an upgrade left undone.
func (s *Supervisor) introduce(u unfinished) {
	plan, gen := s.inForce()
	orphans := s.orphans()
	s.resume(u)
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		if svc.orphaned {
			s.send(core.Configure{Spec: core.Spec{Name: name, Policy: core.Never}, PlanGen: gen})
			s.send(core.Orphan{Service: name})
			continue
		}
		s.send(core.Configure{Spec: s.coreSpec(plan.Services[name], orphans), PlanGen: gen})
	}
}

// groupsOf lists the groups a service is in, sorted.
func groupsOf(plan *configs.Plan, service string) []string {
	var in []string
	for _, g := range sorted(maps.Keys(plan.Groups)) {
		for _, member := range plan.Groups[g].Services {
			if member == service {
				in = append(in, g)
			}
		}
	}
	return in
}

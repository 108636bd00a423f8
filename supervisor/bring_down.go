package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// stopUnder brings down what locks cover, each service once, as their owner's own action, and notes of each lock what did
// not go down. shut says that an action is in flight, so that nothing can be stopped now.
func (s *Supervisor) stopUnder(ctx context.Context, owner lockfile.Owner, locks []lockfile.Lock, missing []lacks, shut bool, progress api.Progress) {
	done := map[string][]string{} // what of a service is not down
	for i, l := range locks {
		missing[i].unproven = nil
		if shut {
			missing[i].unproven = []string{"not stopped: an action is still in flight"}
			continue
		}
		for _, name := range s.coveredBy(l) {
			if _, ok := done[name]; !ok {
				done[name] = s.bringDown(ctx, owner, name, progress)
			}
			missing[i].unproven = append(missing[i].unproven, done[name]...)
		}
	}
}

// bringDown stops a service and says what did not go down. Where somebody else's lock is in the way of that, being down
// already is enough, if it can be proven.
func (s *Supervisor) bringDown(ctx context.Context, owner lockfile.Owner, name string, progress api.Progress) []string {
	tell(progress, "stopping "+name)
	if svc := s.services.get(name); svc != nil {
		s.strays.remember(name, svc.running())
	}
	r := core.Request{Service: name, Verb: core.Stop, By: owner.String(), Reason: "maintenance start --stop", KeepDependents: true}
	res := s.actOn(ctx, owner, r, progress)
	failed := s.notDown(ctx, []string{name})
	if res.Code != api.CodeDone && (res.Code != api.CodeHeld || len(failed) > 0) {
		failed = append([]string{res.Text}, failed...)
	}
	return failed
}

// notDown says of services what of them is not down: a process that is watched or under way, what is left in the cgroup or,
// where there are no cgroups, carries the service's mark, and addresses that must be free and are not.
func (s *Supervisor) notDown(ctx context.Context, names []string) []string {
	var left []string
	for _, name := range names {
		for _, v := range s.sureStrays(name) {
			left = append(left, fmt.Sprintf("%q is not down: started under lock: %s", name, v))
		}
		if why := s.notProvenDown(ctx, name); why != "" {
			left = append(left, why)
		} else if conf := s.services.conf(name); conf != nil {
			left = append(left, stillTaken(ctx, name, conf.Maintenance.MustBeFree)...)
		}
	}
	return left
}

// notProvenDown says what of a service runs or is under way; "" when it is proven that nothing does.
func (s *Supervisor) notProvenDown(ctx context.Context, name string) string {
	svc := s.services.get(name)
	if svc == nil {
		return ""
	}
	if p := svc.running(); p != nil {
		return fmt.Sprintf("%q is not down: process %d runs", name, p.PID())
	}
	known, busy := false, ""
	s.ask(ctx, func(st *core.State) {
		v := st.Services[name]
		known = v != nil && v.Known && !v.Running
		if v != nil && v.Act != nil {
			busy = string(v.Act.Act.Verb)
		}
	})
	switch {
	case busy != "":
		return fmt.Sprintf("%q is not down: a %s is under way", name, busy)
	case !known:
		return fmt.Sprintf("%q is not known to be down: supctl explain %s", name, name)
	}
	left, err := s.leftOf(svc)
	var unmarked []int
	if err == nil && s.cgroups == nil {
		unmarked, err = s.unmarked()
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%q is down, but whether something that it started still runs cannot be told: %v", name, err)
	case len(left) > 0:
		return fmt.Sprintf("%q is not down: its main process is gone, but what it started still runs: %s", name, processList(left))
	case len(unmarked) > 0:
		return fmt.Sprintf("%q is stopped, but something that a service left behind runs, and without cgroups nobody can tell whose it is: %s",
			name, processList(unmarked))
	}
	return ""
}

// leftOf finds what lives of a service without a main process.
func (s *Supervisor) leftOf(svc *service) ([]int, error) {
	svc.mu.Lock()
	cgroup := svc.cgroup
	svc.mu.Unlock()
	if cgroup != "" {
		return (&proc.Cgroup{Path: cgroup}).Procs()
	}
	marked, err := proc.FindMarked(proc.Mark{Daemon: proc.DaemonOf(s.dir.Path()), Service: svc.name})
	var pids []int
	for _, id := range marked {
		pids = append(pids, id.PID)
	}
	return pids, err
}

// unmarked are processes that services started and left behind, and that carry no mark: they have a session of their own and
// were executed with another environment. supd has them because it is their reaper, and never ends them: they may be any
// service's. What a service whose main process runs has in its session is not among them.
func (s *Supervisor) unmarked() ([]int, error) {
	found, err := s.table.Leftovers(proc.DaemonOf(s.dir.Path()))
	if err != nil {
		return nil, err
	}
	mains := map[int]bool{}
	for _, name := range s.services.names() {
		if p := s.services.get(name).running(); p != nil {
			mains[p.PID()] = true
		}
	}
	var pids []int
	for _, st := range found {
		if !mains[st.PID] && !mains[st.Session] && !mains[st.PGRP] {
			pids = append(pids, st.PID)
		}
	}
	return pids, nil
}

// processesNamed bounds how many leftovers a message names.
const processesNamed = 5

// processList names processes with their commands.
func processList(pids []int) string {
	var out []string
	for _, pid := range pids[:min(len(pids), processesNamed)] {
		text := fmt.Sprintf("process %d", pid)
		if st, err := proc.ReadStat(pid); err == nil {
			text += fmt.Sprintf(" (%s)", commandOf(st))
		}
		out = append(out, text)
	}
	if n := len(pids) - len(out); n > 0 {
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(out, ", ")
}

// shielded tells whoever takes services down under a lock what else runs that needs them: it is left as it is, and its
// failures are explained by what it needs.
func (s *Supervisor) shielded(ctx context.Context, covered []string) []string {
	var notes []string
	s.ask(ctx, func(st *core.State) {
		for _, name := range covered {
			others := slices.DeleteFunc(core.LiveDependents(st, name), func(d string) bool { return slices.Contains(covered, d) })
			if len(others) > 0 {
				notes = append(notes, fmt.Sprintf("running services need %q and are left as they are: %s; while it is down, supd does not act on their failures",
					name, quotedList(others)))
			}
		}
	})
	return notes
}

// quotedList is names for a sentence.
func quotedList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

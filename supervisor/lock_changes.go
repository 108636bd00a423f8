package supervisor

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
)

// MaintenanceChanges says of the services under the peer's own locks what is otherwise than when the lock was taken: what
// somebody who ends it may have forgotten, or not know.
func (s *Supervisor) MaintenanceChanges(ctx context.Context, p api.Peer, ids []string) (api.ChangesReply, error) {
	locks, err := s.ownLocks(p.Owner, ids)
	if err != nil {
		return api.ChangesReply{}, err
	}
	found := map[string]api.ServiceChanges{}
	reply := api.ChangesReply{Services: []api.ServiceChanges{}, Packages: []string{}}
	for _, l := range locks {
		was, known := s.beforeOf(l)
		reply.Packages = union(reply.Packages, s.packageChanges(ctx, was.Packages))
		for _, name := range s.coveredBy(l) {
			found[name] = s.changesOf(name, was, known)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		reply.Services = append(reply.Services, found[name])
	}
	return reply, nil
}

// changesOf compares one service with what was noted of it.
func (s *Supervisor) changesOf(name string, all before, known bool) api.ServiceChanges {
	was, noted := all.Services[name]
	c := api.ServiceChanges{Service: name, Known: known && noted, Changes: []string{}}
	svc := s.services.get(name)
	var is proc.Identity
	p := svc.running()
	if p != nil {
		is, c.PID = p.Identity(), p.PID()
	}
	if svc.pending() {
		c.Changes = append(c.Changes, "its config has changed since it was started, and is in force from its next start")
	}
	if p != nil && runsDeleted(p.PID()) {
		c.Changes = append(c.Changes, fmt.Sprintf("process %d still runs a program that was replaced or removed: a restart takes the new one", p.PID()))
	}
	if !c.Known {
		return c
	}
	since := all.At
	c.Since = &since
	said := processChange(was.Process, is)
	if p != nil && said != "" {
		svc.mu.Lock()
		said += ", since " + svc.started.Format(time.RFC3339)
		svc.mu.Unlock()
	}
	if said != "" {
		c.Changes = slices.Insert(c.Changes, 0, said)
	}
	c.Changes = append(c.Changes, fileChanges(was.Files, s.filesOf(name))...)
	return c
}

// processChange compares the main process, "" if it is the same.
func processChange(was, is proc.Identity) string {
	switch {
	case was.IsZero() && is.IsZero(), was.Same(is):
		return ""
	case is.IsZero():
		return fmt.Sprintf("was running (pid %d), is down", was.PID)
	case was.IsZero():
		return fmt.Sprintf("was down, runs now (pid %d)", is.PID)
	}
	return fmt.Sprintf("was another process (pid %d), runs now as pid %d", was.PID, is.PID)
}

// fileChanges compares files by their stamps.
func fileChanges(was, is map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(was)) {
		stamp, named := is[path]
		if !named {
			stamp = stampOf(path) // the command names it no more
		}
		switch stamp {
		case was[path]:
		case "":
			out = append(out, path+" is gone")
		default:
			out = append(out, path+" was changed")
		}
	}
	return out
}

// packageChanges compares the versions of packages with what they were.
func (s *Supervisor) packageChanges(ctx context.Context, was map[string]string) []string {
	is := s.versionsOf(ctx, slices.Collect(maps.Keys(was)))
	var out []string
	for _, name := range slices.Sorted(maps.Keys(was)) {
		switch version, there := is[name]; {
		case len(is) == 0: // the package manager did not answer
		case !there:
			out = append(out, fmt.Sprintf("package %s was removed (it was %s)", name, was[name]))
		case version != was[name]:
			out = append(out, fmt.Sprintf("package %s is %s, it was %s", name, version, was[name]))
		}
	}
	return out
}

// runsDeleted says whether the program that a process executes is no longer the file of its name (proc(5), /proc/pid/exe).
func runsDeleted(pid int) bool {
	link := fmt.Sprintf("/proc/%d/exe", pid)
	runs, err := os.Stat(link)
	if err != nil {
		return false
	}
	st, ok := runs.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

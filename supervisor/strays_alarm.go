package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/stray"
	terminals "github.com/supd/supd/internal/tell"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// raise gives the alarm about a process, once. pid 0: whose the socket is cannot be seen. sure says that it can hardly be
// anything but the service. Called by the watcher.
func (s *Supervisor) raise(service string, pid int, inode, how string, sure bool) {
	a := &alarm{key: alarmKey{service: service, inode: inode}, sure: sure}
	if pid != 0 {
		st, err := proc.ReadStat(pid)
		if err != nil || st.State == 'Z' {
			return
		}
		a.id = proc.Identity{BootID: s.bootID, PID: pid, StartTime: st.StartTime}
		a.key = alarmKey{service: service, pid: pid, start: st.StartTime}
		if s.strays.below(service, pid) {
			return
		}
	}
	locks := s.strays.locksOn(service)
	if len(locks) == 0 || s.strays.has(a.key) {
		return
	}
	a.said = s.describe(a, how)
	heir := s.strays.put(a)
	s.watchStray(a)
	s.saveStrays()
	if heir { // a daemon put itself in the background
		s.log.Info("what was started under a lock goes on as another process", "service", service, "pid", pid)
		return
	}
	text := strayText(service, a.said, locks)
	fields := map[string]string{
		"pid": fmt.Sprint(pid), "how": how, "command": a.said.Command, "parent": a.said.Parent, "parent_pid": fmt.Sprint(a.said.ParentPID),
		"login": a.said.Login, "unit": a.said.Unit, "lock_id": locks[0].ID,
	}
	s.log.Error(s.hide(text), "event", core.EvStartedUnderLock, "service", service)
	s.record(core.EvStartedUnderLock, service, journal.Error, text, fields)
	s.metrics.startedUnderLock.WithLabelValues(service).Inc()
	for _, o := range owners(locks) {
		go s.tellOwner(o, s.hide(text))
	}
}

// owners are the people who hold locks, each login session once.
func owners(locks []lockfile.Lock) []lockfile.Owner {
	var os []lockfile.Owner
next:
	for _, l := range locks {
		for _, o := range os {
			if o.Same(l.Owner) && (o.Session != "" || o.TTY == l.Owner.TTY) {
				continue next
			}
		}
		os = append(os, l.Owner)
	}
	return os
}

// tellOwner writes to somebody's terminals. Not called by a goroutine that others wait for: it reads files of every process.
func (s *Supervisor) tellOwner(o lockfile.Owner, text string) {
	if told, err := terminals.Owner(o, text); err != nil {
		s.log.Info("an owner of a lock has a terminal that does not show it", "owner", o.String(), "shown", told, "why", err)
	}
}

// watchStray learns of the end of the process. What is gone already is found so when it is looked at next.
func (s *Supervisor) watchStray(a *alarm) {
	if a.id.IsZero() {
		return // freed finds its end
	}
	p, err := s.table.Open(a.id)
	if err != nil {
		s.strays.end(a)
		return
	}
	s.strays.mu.Lock()
	a.p = p
	s.strays.mu.Unlock()
	p.OnExit(func(proc.Exit) { s.strays.end(a) })
}

// strayOver ends an alarm.
func (s *Supervisor) strayOver(a *alarm, why string) {
	if a.p != nil {
		a.p.Forget()
	}
	s.saveStrays()
	text := fmt.Sprintf("%q is no longer started under its lock by %s: %s", a.key.service, a.said.Who(), why)
	s.log.Info(s.hide(text), "event", "service.started_under_lock_over", "service", a.key.service)
	s.record("service.started_under_lock_over", a.key.service, journal.Notice, text, map[string]string{"pid": fmt.Sprint(a.key.pid), "why": why})
}

// dropUnlocked ends alarms on services that no lock means to be down any more.
func (s *Supervisor) dropUnlocked() {
	for _, a := range s.strays.take(func(a *alarm) bool { return len(s.strays.locks[a.key.service]) == 0 }) {
		s.strayOver(a, "the lock is gone")
	}
}

// freed ends the alarms about sockets that nobody can be named for, once those are closed.
func (s *Supervisor) freed(open func(service, inode string) bool) {
	for _, a := range s.strays.take(func(a *alarm) bool { return a.key.pid == 0 && !open(a.key.service, a.key.inode) }) {
		s.strayOver(a, "the address is free")
	}
}

// sureStrays is what surely was started under the locks of a service, and is there still: nothing is refused for an address
// that has become free since it was looked at.
func (s *Supervisor) sureStrays(service string) []api.Stray {
	sure := s.strays.sureOf(service)
	if !slices.ContainsFunc(sure, func(v api.Stray) bool { return v.PID == 0 }) {
		return sure
	}
	var open []string
	if conf := s.services.conf(service); conf != nil {
		for _, a := range stray.Addresses(conf.Maintenance.MustBeFree) {
			open = append(open, a.Inodes()...)
		}
	}
	s.freed(func(of, inode string) bool { return of != service || slices.Contains(open, inode) })
	return s.strays.sureOf(service)
}

// describe says what can be known of a process: itself, what started it, whose login it belongs to. A parent that is gone has
// left it to another.
func (s *Supervisor) describe(a *alarm, how string) api.Stray {
	said := api.Stray{PID: a.key.pid, Since: time.Now(), How: how}
	if a.id.IsZero() {
		return said
	}
	st, err := proc.ReadStat(a.key.pid)
	if err != nil {
		return said
	}
	started := tickTime(st.StartTime)
	said.StartedAt, said.Command, said.ParentPID = &started, s.hide(commandOf(st)), st.PPID
	if parent, err := proc.ReadStat(st.PPID); err == nil {
		said.Parent = parent.Comm
	}
	said.Unit = unitOf(a.key.pid)
	o, err := who.Of(a.key.pid)
	if err != nil {
		return said
	}
	said.Login, said.TTY = loginOf(o), o.TTY
	if o.LoginUID != lockfile.NoLogin {
		uid := uint32(o.LoginUID)
		said.LoginUID = &uid
	}
	return said
}

// loginOf is who logged in, which sudo and su do not change.
func loginOf(o lockfile.Owner) string {
	if o.LoginUID == lockfile.NoLogin {
		return ""
	}
	return o.Name
}

// unitOf is the systemd unit that a process belongs to, by its cgroup; "" for none. A login's scope is no service.
func unitOf(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		_, path, ok := strings.Cut(strings.TrimSpace(line), "::")
		for ; ok && path != "/" && path != "."; path = filepath.Dir(path) {
			if name := filepath.Base(path); strings.HasSuffix(name, ".service") {
				return name
			}
		}
	}
	return ""
}

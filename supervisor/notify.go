package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
)

// statusBytesMax bounds what is kept of a service's STATUS=.
const statusBytesMax = 512

// listenNotify opens the service's sd_notify socket for generation gen. What is sent waits until listen: until the start is
// written down a process that is ready at once would pass for a stranger.
func (s *Supervisor) listenNotify(svc *service, gen uint64) (*proc.NotifySocket, error) {
	dir := filepath.Join(s.plan.Daemon.RunDir, "notify")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make a socket for its notifications: %w", err)
	}
	s.hushNotify(svc)
	sock, err := s.notifier.Listen(filepath.Join(dir, svc.name+".sock"),
		func(n proc.Notification) { s.notified(svc, gen, n) },
		func() { s.ignoreNote(svc, gen, "flood", 0, "it sends so many notifications that it is made to wait") })
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket for its notifications: %w", err)
	}
	svc.mu.Lock()
	svc.talk.socket = sock
	svc.mu.Unlock()
	return sock, nil
}

// listen has what is sent heard; the instance is known by now. nil: it was given no socket.
func (s *Supervisor) listen(svc *service, socket *proc.NotifySocket) {
	if socket == nil {
		return
	}
	if err := socket.Begin(); err != nil {
		s.log.Warn("cannot hear its notifications", "service", svc.name, "err", err)
	}
}

// hushNotify closes the service's socket, if it has one. svc.mu must not be held: whoever is being heard needs it.
func (s *Supervisor) hushNotify(svc *service) {
	svc.mu.Lock()
	old := svc.talk.socket
	svc.talk.socket = nil
	svc.mu.Unlock()
	if old == nil {
		return
	}
	if err := old.Close(); err != nil {
		s.log.Warn("cannot close the socket of its notifications", "service", svc.name, "err", err)
	}
}

// closeNotify ends the notification sockets; adopted services get new ones at the same place.
func (s *Supervisor) closeNotify() {
	for _, name := range s.services.names() {
		s.hushNotify(s.services.get(name))
	}
	_ = s.notifier.Close()
	s.lines.close()
}

// notified takes one datagram that came to a service's socket. Called for one after the other.
func (s *Supervisor) notified(svc *service, gen uint64, n proc.Notification) {
	if !s.member(svc, n.PID) {
		s.ignoreNote(svc, gen, "stranger", n.PID, "from "+nameProcess(n.PID)+", which is no process of the service, or ended before it could be looked at (systemd-notify without --no-block waits)")
		return
	}
	if n.Bad != "" {
		s.ignoreNote(svc, gen, "unreadable", n.PID, n.Bad)
		return
	}
	if n.Stores {
		s.ignoreNote(svc, gen, "fdstore", n.PID, "supd stores no descriptors for services (FDSTORE=1)")
	}
	if n.MainPID != 0 {
		s.newMain(svc, gen, n)
	}
	for _, ev := range svc.hear(gen, n) {
		s.send(ev)
	}
}

// hear takes what counts of a message and gives what the core has to know of it.
func (v *service) hear(gen uint64, n proc.Notification) (tell []core.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := &v.talk
	if t.gen != gen {
		return nil
	}
	if n.HasStatus {
		t.status = oneLine(n.Status)
	}
	if n.Alive {
		v.beat.Store(int64(now()))
	}
	if n.Reloading {
		t.reloading = true
		if t.reload != nil && (n.Monotonic == 0 || n.Monotonic >= t.reload.after) {
			t.reload.begun = true
		}
	}
	t.stopping = t.stopping || n.Stopping
	if n.Ready {
		t.reloading = false
		if t.reload != nil && t.reload.begun {
			close(t.reload.done)
			t.reload = nil
		}
		if !t.ready {
			tell = append(tell, core.Ready{Service: v.name, Gen: gen})
		}
		t.ready = true
	}
	if n.Extend > 0 && !t.ready {
		tell = append(tell, core.Extend{Service: v.name, Gen: gen, For: n.Extend})
	}
	changed := n.HasWatchdog && n.Watchdog != t.watchdog
	if changed {
		t.watchdog = n.Watchdog
		v.beat.Store(int64(now()))
	}
	if changed || n.OutOfOrder || n.Stopping {
		ev := v.heartbeatLocked()
		ev.Failed = n.OutOfOrder
		tell = append(tell, ev)
	}
	return tell
}

// heartbeat answers the core, which asks for the last sign of life. Called by the loop.
func (s *Supervisor) heartbeat(name string) core.Heartbeat {
	svc := s.services.get(name)
	if svc == nil {
		return core.Heartbeat{Service: name}
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	return svc.heartbeatLocked()
}

// heartbeatLocked: one that said STOPPING=1 is on its way down, and may take its time: somebody stops it on purpose, and to
// kill it in the middle of that would be worse than to wait. v.mu must be held.
func (v *service) heartbeatLocked() core.Heartbeat {
	ev := core.Heartbeat{Service: v.name, Gen: v.gen, At: core.Instant(v.beat.Load()), Every: v.talk.watchdog}
	if v.talk.stopping {
		ev.Every = 0
	}
	return ev
}

// ignoreNote counts a message that does not count, and says so once for each reason and instance.
func (s *Supervisor) ignoreNote(svc *service, gen uint64, reason string, pid int, why string) {
	s.metrics.notifyIgnored.WithLabelValues(svc.name, reason).Inc()
	svc.mu.Lock()
	known := svc.talk.gen != gen || svc.talk.ignored[reason]
	if !known {
		if svc.talk.ignored == nil {
			svc.talk.ignored = map[string]bool{}
		}
		svc.talk.ignored[reason] = true
	}
	svc.mu.Unlock()
	if known {
		return
	}
	text := fmt.Sprintf("a notification to %q is ignored: %s", svc.name, why)
	s.log.Warn(text, "service", svc.name)
	s.record("service.notify_ignored", svc.name, journal.Warning, text, map[string]string{"reason": reason, "pid": strconv.Itoa(pid)})
}

// nameProcess names a process that may be gone, for people.
func nameProcess(pid int) string {
	st, err := proc.ReadStat(pid)
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d (%s)", pid, oneLine(st.Comm))
}

// oneLine is text of a stranger, fit for somebody else's terminal.
func oneLine(text string) string {
	if len(text) > statusBytesMax {
		text = text[:statusBytesMax]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
}

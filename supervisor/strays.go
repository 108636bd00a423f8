package supervisor

import (
	"slices"
	"sync"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/stray"
	"github.com/supd/supd/lockfile"
)

// strays are processes that run, by another hand than supd's, what lies under a lock that was taken with --stop: started
// under lock. This is what is known of them; it decides nothing.
type strays struct {
	mu      sync.Mutex
	locks   map[string][]lockfile.Lock // all of a service that at least one of them means to be down
	ran     map[string]stray.Program   // what services were when supd brought them down
	alarms  map[alarmKey]*alarm        // raised, and not over
	ended   []*alarm                   // whose process has just gone; what it left behind takes its place without another alarm
	changed chan struct{}              // capacity one: locks, config or processes are others than before
}

// alarmKey tells alarms apart: one for each service and process. Where the process cannot be seen, the socket's inode stands
// for it.
type alarmKey struct {
	service string
	pid     int
	start   uint64
	inode   string
}

// alarm is one that was raised.
type alarm struct {
	key  alarmKey
	id   proc.Identity // zero where the process cannot be seen
	said api.Stray
	sure bool          // it can hardly be anything but the service
	p    *proc.Process // nil where it cannot be watched
}

func newStrays() *strays {
	return &strays{
		locks: map[string][]lockfile.Lock{}, ran: map[string]stray.Program{}, alarms: map[alarmKey]*alarm{},
		changed: make(chan struct{}, 1),
	}
}

// see takes the locks that cover a service now.
func (t *strays) see(service string, locks []lockfile.Lock) {
	if !slices.ContainsFunc(locks, func(l lockfile.Lock) bool { return l.MeantDown }) {
		locks = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	same := func(a, b lockfile.Lock) bool { return a.ID == b.ID && a.MeantDown == b.MeantDown && a.Owner == b.Owner }
	if slices.EqualFunc(t.locks[service], locks, same) {
		return
	}
	if len(locks) == 0 {
		delete(t.locks, service)
		delete(t.ran, service)
	} else {
		t.locks[service] = slices.Clone(locks)
	}
	t.wake()
}

// wake has the watcher look again.
func (t *strays) wake() {
	select {
	case t.changed <- struct{}{}:
	default: // it has been told
	}
}

// remember takes down what runs as a service before supd stops it: a wrapper's last program cannot be read from the config.
func (t *strays) remember(service string, p *proc.Process) {
	if p == nil {
		return
	}
	ran, ok := stray.Read(p.PID())
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ran[service] = ran
}

// meantDown gives the services to look for, none without such a lock.
func (t *strays) meantDown() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name := range t.locks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// of is what was started under the locks of a service, oldest first; never nil.
func (t *strays) of(service string) []api.Stray {
	return t.which(service, func(*alarm) bool { return true })
}

// sureOf leaves out what may be something else: enough to be told, and too little to refuse anything for.
func (t *strays) sureOf(service string) []api.Stray {
	return t.which(service, func(a *alarm) bool { return a.sure })
}

func (t *strays) which(service string, pick func(*alarm) bool) []api.Stray {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []api.Stray{}
	for _, a := range t.alarms {
		if a.key.service == service && pick(a) {
			out = append(out, a.said)
		}
	}
	slices.SortFunc(out, func(a, b api.Stray) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return a.PID - b.PID
	})
	return out
}

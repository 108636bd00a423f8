package supervisor

import (
	"slices"
	"sync"
	"time"

	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// memory holds what holds a service without being a file (yet): interlocks, and holds on their way to the disk. A hold
// that cannot be written stays here for as long as supd lives: a daemon that cannot save its state holds.
type memory struct {
	mu         sync.Mutex
	interlocks map[string]map[string]lockfile.Hold // service -> check
	unsaved    map[string]map[core.HoldKind]lockfile.Hold
}

func newMemory() *memory {
	return &memory{
		interlocks: map[string]map[string]lockfile.Hold{},
		unsaved:    map[string]map[core.HoldKind]lockfile.Hold{},
	}
}

// of lists what memory holds of a service, for the gate and for observations.
func (m *memory) of(service string) []lockfile.Hold {
	m.mu.Lock()
	defer m.mu.Unlock()
	var hs []lockfile.Hold
	for _, h := range m.unsaved[service] {
		hs = append(hs, h)
	}
	for _, h := range m.interlocks[service] {
		hs = append(hs, h)
	}
	return hs
}

// unsavedOf lists only the holds on their way to the disk; the core keeps interlocks itself.
func (m *memory) unsavedOf(service string) []lockfile.Hold {
	m.mu.Lock()
	defer m.mu.Unlock()
	var hs []lockfile.Hold
	for _, h := range m.unsaved[service] {
		hs = append(hs, h)
	}
	return hs
}

// wanted lists the services that somebody wanted to lock, and whose lock could not be written, sorted.
func (m *memory) wanted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, kinds := range m.unsaved {
		if _, ok := kinds[core.HoldLock]; ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memory) interlock(service, check string, on bool, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !on {
		delete(m.interlocks[service], check)
		return
	}
	if m.interlocks[service] == nil {
		m.interlocks[service] = map[string]lockfile.Hold{}
	}
	m.interlocks[service][check] = lockfile.Hold{
		Service: service, Kind: lockfile.HoldInterlock, ID: check, By: check, Reason: reason, Since: time.Now(),
	}
}

func (m *memory) add(service string, h core.HoldSpec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unsaved[service] == nil {
		m.unsaved[service] = map[core.HoldKind]lockfile.Hold{}
	}
	m.unsaved[service][h.Kind] = lockfile.Hold{
		Service: service, Kind: lockfile.HoldKind(h.Kind), By: h.By, Reason: h.Reason, Since: time.Now(),
	}
}

// saved forgets a hold that is a file now; drop forgets all of a service that somebody starts.
func (m *memory) saved(service string, kind core.HoldKind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unsaved[service], kind)
}

// holds says whether a hold of this kind is still on its way to the disk.
func (m *memory) holds(service string, kind core.HoldKind) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.unsaved[service][kind]
	return ok
}

func (m *memory) drop(service string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unsaved, service)
}

// holdBegins notes that a hold of a service is on its way to the disk. Called by the loop, so in the order of its decisions.
func (s *Supervisor) holdBegins(name string) chan struct{} {
	saved := make(chan struct{})
	if svc := s.services.get(name); svc != nil {
		svc.mu.Lock()
		before := svc.holding
		svc.holding = saved
		svc.mu.Unlock()
		if before != nil { // two on their way: whoever waits for the second waits for both
			next := saved
			saved = make(chan struct{})
			go func(done chan struct{}) { <-before; <-done; close(next) }(saved)
		}
	}
	return saved
}

// addHold makes a hold of the core's a file. The hold is in memory from the moment the loop handed it over, so the gate
// refuses before the file exists. What cannot be written is tried again for as long as it stands: a hold that only supd
// knows of would not outlive supd.
func (s *Supervisor) addHold(a core.AddHold) {
	if err := s.writeHold(a); err != nil {
		s.problem("hold:"+a.Service, "cannot save the "+string(a.Hold.Kind)+" of \""+a.Service+"\": "+err.Error()+
			"; it holds for as long as this supd lives, which tries again")
		go s.retryHold(a)
	}
}

// writeHold makes the file. Not while holds of the service are being removed: it could be taken for one of those.
func (s *Supervisor) writeHold(a core.AddHold) error {
	if svc := s.services.get(a.Service); svc != nil {
		svc.holdMu.Lock()
		defer svc.holdMu.Unlock()
	}
	if _, err := s.dir.AddHold(a.Service, holdSpec(a.Hold)); err != nil {
		return err
	}
	s.memory.saved(a.Service, a.Hold.Kind)
	s.solved("hold:" + a.Service)
	s.holdsChanged([]string{a.Service})
	return nil
}

// holdRetry is the pause between attempts to write a hold to a disk that is full or read-only.
const holdRetry = 5 * time.Second

func (s *Supervisor) retryHold(a core.AddHold) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(holdRetry):
		}
		if !s.memory.holds(a.Service, a.Hold.Kind) { // cleared by somebody's start
			s.solved("hold:" + a.Service)
			return
		}
		if s.writeHold(a) != nil {
			continue
		}
		if start := s.services.get(a.Service); start != nil && start.running() != nil { // somebody started it just then
			s.clearHolds(a.Service)
		}
		return
	}
}

// clearHolds removes operator stops and restart limits of a service that is up again, whoever started it. Whether it still
// is up is asked once more inside the gate: a stop that came meanwhile has a hold of its own, which must stay.
func (s *Supervisor) clearHolds(service string) {
	svc := s.services.get(service)
	if svc == nil {
		return
	}
	svc.holdSaved(func() {})
	svc.holdMu.Lock()
	up := func() bool { p := svc.running(); return p != nil && p.Alive() }
	_, err := s.dir.RemoveHolds(s.ctx, service, up)
	if err == nil && up() {
		s.memory.saved(service, core.HoldOperatorStop)
		s.memory.saved(service, core.HoldRestartLimit)
	}
	svc.holdMu.Unlock()
	if err != nil {
		s.log.Warn("cannot remove holds of a service that is up again; supctl start removes them", "service", service, "err", err)
	}
	s.holdsChanged([]string{service})
}

func holdSpec(h core.HoldSpec) lockfile.HoldSpec {
	return lockfile.HoldSpec{Kind: lockfile.HoldKind(h.Kind), By: h.By, Reason: h.Reason}
}

// coreHolds is a cover in the core's words.
func coreHolds(c lockfile.Cover, unsaved []lockfile.Hold) []core.Hold {
	var hs []core.Hold
	for _, l := range c.Locks {
		hs = append(hs, core.Hold{
			Kind: core.HoldLock, ID: l.ID, By: l.Owner.String(), Reason: l.Reason, Since: l.TakenAt.UnixNano(), LockID: l.ID, Target: l.Target.String(),
		})
	}
	for _, h := range append(c.Holds, unsaved...) {
		hs = append(hs, core.Hold{Kind: core.HoldKind(h.Kind), ID: h.ID, By: h.By, Reason: h.Reason, Since: h.Since.UnixNano()})
	}
	for _, u := range c.Unreadable {
		hs = append(hs, core.Hold{Kind: core.HoldUnreadable, ID: u.Path, By: "supd", Reason: u.Path + ": " + u.Err.Error()})
	}
	return hs
}

// holdsChanged tells the core what holds these services now.
func (s *Supervisor) holdsChanged(services []string) {
	for name, cover := range s.withOnlyHere(s.dir.Barred(services)) {
		s.overdue.see(name, cover.Locks)
		s.strays.see(name, cover.Locks)
		s.send(core.HoldsChanged{Service: name, Holds: coreHolds(cover, s.memory.unsavedOf(name))})
	}
}

package supervisor

import (
	"slices"
	"time"

	"github.com/supd/supd/supervisor/core"
)

// unreadableRetry is how long after lock state could not be read it is read again. No watcher tells of the end of what may
// be in the way: no descriptors, an I/O error, a file system that was not mounted.
const unreadableRetry = 2 * time.Second

// lookAgain has the locks of a service read again later when they could not be read now. There is no timer for a service
// whose locks are readable. Called by the loop.
func (s *Supervisor) lookAgain(name string, holds []core.Hold) {
	svc := s.services.get(name)
	if svc == nil || !slices.ContainsFunc(holds, func(h core.Hold) bool { return h.Kind == core.HoldUnreadable }) {
		return
	}
	svc.mu.Lock()
	pending := svc.relook
	svc.relook = true
	svc.mu.Unlock()
	if pending {
		return
	}
	go func() {
		timer := time.NewTimer(unreadableRetry)
		defer timer.Stop()
		select {
		case <-s.done:
			return
		case <-timer.C:
		}
		svc.mu.Lock()
		svc.relook = false
		svc.mu.Unlock()
		s.holdsChanged([]string{name})
	}()
}

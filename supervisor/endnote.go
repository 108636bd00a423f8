package supervisor

import (
	"time"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// endRecorded notes, beside the note of a process that has ended, that its end is on record, so that the next supd does not
// record it again. Only then: an end that is told twice is better than one that is lost. Called by the loop.
func (s *Supervisor) endRecorded(e core.Emit) {
	svc := s.services.get(e.Service)
	if svc == nil {
		return
	}
	svc.mu.Lock()
	gen := svc.gen
	svc.mu.Unlock()
	at, how := time.Now(), e.Fields["exit"]
	s.acting.Add(1) // no action, but an orderly end waits for it
	s.lanes.tidy(func() {
		defer s.acting.Done()
		svc.mu.Lock()
		again := svc.gen != gen || svc.proc != nil && !svc.exited
		svc.mu.Unlock()
		if again || !s.journal.Secure(recordWait) {
			return
		}
		s.editNote(e.Service, func(*service) error {
			n, err := s.hands.Notes.Read(e.Service)
			if err != nil || n.Gen != gen {
				return nil // no note, nothing that could be told twice
			}
			return s.hands.Notes.WriteEnd(e.Service, proc.End{Process: n.Process, How: how, At: at})
		})
	})
}

// since is from when on a service is as supd finds it at its start, as far as that is known: 0, or CLOCK_BOOTTIME. v.mu
// must be held.
func (v *service) sinceLocked(holds []lockfile.Hold) core.Instant {
	at := v.ended.At
	if v.proc != nil && !v.exited {
		at = v.started
	} else {
		for _, h := range holds {
			if k := core.HoldKind(h.Kind); k == core.HoldOperatorStop || k == core.HoldRestartLimit {
				at = h.Since
			}
		}
	}
	if at.IsZero() {
		return 0
	}
	return now().Add(-time.Since(at))
}

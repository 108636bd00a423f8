package supervisor

import (
	"log/slog"
	"time"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/supervisor/core"
)

// emit records an event of the core's and notes what the shell has to remember of it. Called by the loop.
func (s *Supervisor) emit(e core.Emit) {
	severity, level := journal.Notice, slog.LevelInfo
	switch e.Severity {
	case core.Warning:
		severity, level = journal.Warning, slog.LevelWarn
	case core.Alert:
		severity, level = journal.Error, slog.LevelError
	}
	s.log.Log(s.ctx, level, e.Text, "event", e.Type, "service", e.Service)
	s.record(e.Type, e.Service, severity, e.Text, e.Fields)
	s.metrics.event(e)
	s.jobs.happened(e)

	switch e.Type {
	case core.EvDone:
		go s.noteCompleted(e.Service)
		s.endRecorded(e)
	case core.EvCrashed, core.EvExplained:
		s.endRecorded(e)
	case core.EvSuppressed:
		s.lanes.tidyNow() // no start follows for which the record of the crash would have to wait
	case core.EvStopped, core.EvOperatorStop, core.EvFailed:
		s.dropNote(e.Service)
	case core.EvUp, core.EvAdopted:
		s.markReady(e.Service)
		if svc := s.services.get(e.Service); svc != nil {
			s.rotate(svc)
		}
	}
}

// record puts an event into the journal; it never blocks and never fails.
func (s *Supervisor) record(kind, service, severity, text string, fields map[string]string) {
	s.journal.Append(journal.Event{Type: kind, Service: service, Severity: severity, Text: s.hide(text), Fields: s.hideAll(fields)})
}

// recordWait bounds how long an answer waits for its record. The lock files are the truth, and history is not worth more
// than this to somebody who wants to begin working.
const recordWait = 25 * time.Millisecond

// recorded brings what was recorded so far out of this process, before a person is told that it is done: should supd be
// killed the next moment, the record still knows. A disk that hangs or is full holds up nobody.
func (s *Supervisor) recorded() { s.journal.Secure(recordWait) }

// noteCompleted remembers that a oneshot ended well in this boot, so that the next supd does not run it again.
func (s *Supervisor) noteCompleted(name string) {
	s.editNote(name, func(svc *service) error {
		svc.completed = true
		n, err := s.hands.Notes.Read(name)
		if err != nil {
			return err
		}
		n.Completed = true
		return s.hands.Notes.Write(n)
	})
}

// dropNote forgets a process whose end has been dealt with: should supd die now, the next one must not take it for a
// process that died unseen.
// Called by the loop: a start that follows, whose note must stay, has another generation.
func (s *Supervisor) dropNote(name string) {
	svc := s.services.get(name)
	if svc == nil {
		return
	}
	svc.mu.Lock()
	gen := svc.gen
	svc.mu.Unlock()
	go s.editNote(name, func(*service) error {
		n, err := s.hands.Notes.Read(name)
		if err == nil && n.Gen != gen {
			return nil
		}
		return s.hands.Notes.Remove(name)
	})
}

// editNote changes the note of a service that does not run; one that has started again since has a new note, which stays.
func (s *Supervisor) editNote(name string, edit func(*service) error) {
	svc := s.services.get(name)
	if svc == nil {
		return
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.proc != nil && !svc.exited {
		return
	}
	if err := edit(svc); err != nil {
		s.log.Warn("cannot update what is noted of an ended process", "service", name, "err", err)
	}
}

// markReady notes when the instance that runs became ready, for status.
func (s *Supervisor) markReady(name string) {
	svc := s.services.get(name)
	if svc == nil {
		return
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.ready = true
}

package supervisor

import (
	"context"
	"fmt"
	"slices"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/lockfile"
)

// isolation looks for what else could act on services, beside what the caller goes on with; the answer is there within
// doctor.LookMax.
func (s *Supervisor) isolation(ctx context.Context, services []string) (answer func() doctor.Report) {
	var targets []doctor.Target
	for _, name := range services {
		conf := s.services.conf(name)
		if conf == nil {
			continue
		}
		t := doctor.Target{Service: name, Argv: conf.Command}
		if w, ok := s.wantOf(name); ok {
			t.Program = w.Program()
		}
		targets = append(targets, t)
	}
	done := make(chan doctor.Report, 1)
	go func() { done <- s.looker.Look(ctx, "/", targets) }()
	return func() doctor.Report { return <-done }
}

// wantIsolated puts what keeps a lock from being isolated among what it lacks, in the stead of what an earlier look found.
// gap says that there is something.
func (s *Supervisor) wantIsolated(l lockfile.Lock, missing *lacks, r doctor.Report, required bool) (gap bool) {
	missing.unproven = slices.DeleteFunc(slices.Clone(missing.unproven), isolationText)
	if !required {
		return false
	}
	covered := s.coveredBy(l)
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f doctor.Finding) bool { return !slices.Contains(covered, f.Service) })
	gaps := api.NotIsolated(r)
	missing.unproven = append(missing.unproven, gaps...)
	return len(gaps) > 0
}

func isolationText(text string) bool { return api.AskedIsolated([]string{text}) }

// notStopped says that the procedure ended before the stop.
func notStopped(l lockfile.Lock) string {
	return fmt.Sprintf("not stopped: %s is not isolated; mend that, or leave out --require-isolated, and run the same command again", l.Target)
}

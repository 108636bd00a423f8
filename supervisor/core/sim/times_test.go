package sim

import "github.com/supd/supd/supervisor/core"

// times is the oracle's own account of a job's schedule: every time that comes is run once, or said to be left out.
type times struct {
	open   bool   // a time has come, and neither a run nor a word has answered it
	acting uint64 // the start that runs for it
}

// dueReason is what a start for a time says of itself.
const dueReason = "its time has come"

// taken says, before the core has it, whether a time that comes is one to be answered.
func (w *world) taken(ev core.Event) *service {
	due, ok := ev.(core.Due)
	if !ok {
		return nil
	}
	cs := w.st.Services[due.Service]
	if cs == nil || !cs.Spec.Oneshot || cs.Orphaned || cs.Forgotten || w.st.Closing != nil || cs.Running || cs.Act != nil {
		return nil
	}
	return w.byName(due.Service)
}

// judgeTimes holds what the core did against the account.
func (w *world) judgeTimes(ev core.Event, taken *service, acts []core.Action) {
	switch ev := ev.(type) {
	case core.Orphan: // no job any more: nothing is left to run
		w.byName(ev.Service).times = times{}
	case core.Forget:
		w.byName(ev.Service).times = times{}
	case core.Configure:
		if !ev.Spec.Oneshot {
			w.byName(ev.Spec.Name).times = times{}
		}
	case core.Result:
		if s := w.byName(ev.Service); s.times.acting == ev.Act && s.times.acting != 0 {
			s.times.acting = 0
			s.times.open = ev.Outcome == core.ActStale || ev.Outcome == core.ActBusy || ev.Outcome == core.ActSuppressed
		}
	}
	for _, a := range acts {
		switch a := a.(type) {
		case core.Emit:
			if _, told := ev.(core.Due); told {
				continue // of the time that came while another run was under way, or waited
			}
			if a.Type != core.EvJobSkipped && (a.Type != core.EvSuppressed || a.Fields["due"] == "") {
				continue
			}
			s := w.byName(a.Service)
			if !s.times.open {
				w.violate("a run of %s is said to be left out that was not due: %s", a.Service, a.Text)
			}
			s.times.open = false
		case core.Act:
			s := w.byName(a.Service)
			if s == nil || a.Verb != core.Start && a.Verb != core.Restart {
				continue
			}
			if a.Automatic && a.Reason == dueReason {
				if !s.times.open {
					w.violate("%s is run for a time that did not come", a.Service)
				}
				s.times.acting = a.ID
			}
			s.times.open = false // this run stands in for it
		}
	}
	if taken != nil {
		taken.times.open = true
	}
}

// judgeNoTimeForgotten: at rest, with every prerequisite up that can be, no time waits for its answer.
func (w *world) judgeNoTimeForgotten(s *service, free map[string]bool) {
	if !s.times.open {
		return
	}
	for _, d := range s.spec.DependsOn {
		if !free[d] {
			return // it waits for that
		}
	}
	w.violate("a time of %s came, and it was neither run nor said to be left out", s.name)
}

package sim

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// effect judges one effect on a service at the moment it happens.
func (w *world) effect(t *task, what string) {
	s, a := t.svc, &t.act
	w.tracef("effect %s on %s, act %d automatic %v", what, s.name, a.ID, t.auto)
	w.judgeLocks(t, what)
	if !t.auto {
		if a.Verb == core.Stop && a.Hold != nil {
			s.deliberate = true
		}
		return
	}
	if t.kind == taskAct || t.pc == 0 {
		w.judgeAutomatic(t, what)
	}
	if a.Verb == core.Stop && a.Hold != nil {
		s.deliberate = true
	}
}

// judgeLocks is L1 and L7: nothing but its owner acts under a returned lock.
func (w *world) judgeLocks(t *task, what string) {
	s, a := t.svc, &t.act
	mine, others := 0, 0
	for _, l := range w.locks {
		switch {
		case !l.promised(s):
		case l.owner == t.actor:
			mine++
		case l.returned:
			others++
		}
	}
	switch {
	case others == 0 && (mine == 0 || !t.auto):
	case t.auto:
		w.violate("L1: automatic %s (%s) of %s under a returned lock", a.Verb, what, s.name)
	case mine == 0, others > 0 && !a.Override:
		w.violate("L1: %s (%s) of %s by %s, who does not hold it", a.Verb, what, s.name, people[t.actor])
	}
}

// judgeAutomatic is L3, L6 and the deliberate stop, when an automatic act begins.
func (w *world) judgeAutomatic(t *task, what string) {
	s, a := t.svc, &t.act
	switch {
	case s.garbage && s.garbageAt < t.gateAt:
		w.violate("L3: automatic %s (%s) of %s while its lock state cannot be read", a.Verb, what, s.name)
	case s.released > t.decided:
		w.violate("L6: automatic %s (%s) of %s was decided before its lock was removed", a.Verb, what, s.name)
	case !t.closing && s.releasedAt != 0 && w.now < s.releasedAt.Add(w.settle):
		w.violate("L6: automatic %s (%s) of %s within the settle time", a.Verb, what, s.name)
	case s.deliberate && (a.Verb == core.Start || a.Verb == core.Restart):
		w.violate("a deliberate stop of %s was undone by an automatic %s", s.name, a.Verb)
	case s.lockTold && s.toldAt < t.gateAt && a.Verb != core.Stop:
		w.violate("automatic %s of %s under an interlock", a.Verb, s.name)
	}
}

// judgeReturned is L1 at the moment when a lock is given: nothing is in flight.
func (w *world) judgeReturned(l *lockFile) {
	for _, t := range w.tasks {
		if t.done || t.dead || !l.covers(orNone(t.svc)) || !t.auto {
			continue
		}
		if t.kind == taskGuard && t.pc > guardLook {
			w.violate("L1: lock %d returned while a guarded command of %s runs", l.id, t.name)
		}
		if t.kind == taskHelper && t.pc > 0 || t.kind == taskAct && t.recorded && t.pc > passWrite {
			w.violate("L1: lock %d returned while an automatic %s of %s is in flight", l.id, t.act.Verb, t.name)
		}
	}
	for _, s := range w.svc {
		if p := s.proc; p != nil && p.alive && p.termed != nil && p.termed.auto && l.covers(s) {
			w.violate("L1: lock %d returned while %s is still going down by an automatic stop", l.id, s.name)
		}
	}
}

var none = &service{i: 63}

func orNone(s *service) *service {
	if s == nil {
		return none
	}
	return s
}

// judgeStep judges what the core answers to an event, whatever the gate would do
// with it: the first of the two walls.
func (w *world) judgeStep(ev core.Event, acts []core.Action) {
	if w.blind {
		return
	}
	if ex, ok := ev.(core.Exited); ok {
		w.judgeExit(ex, acts)
	}
	for _, a := range acts {
		switch a := a.(type) {
		case core.Act:
			w.judgeAct(ev, a)
		case core.Observe:
			for _, t := range w.tasks {
				if t.kind == taskObserve && !t.done && !t.dead && t.name == a.Service {
					w.violate("two observations of %s at once", a.Service)
				}
			}
		case core.Emit:
			if a.Type == core.EvInvariant {
				w.violate("the core caught itself: %s", a.Text)
			}
		case core.Reply:
			if !a.Progress {
				if !w.open[a.Request] && !slices.Contains(w.cancelled, a.Request) {
					w.violate("request %d answered twice: %s", a.Request, a.Text)
				}
				delete(w.open, a.Request)
			}
		}
	}
	w.judgeSaid(ev, acts)
}

// judgeAct: an automatic act comes from an observation, carries its tokens, is of
// a service that this observation found free, and has its prerequisites.
func (w *world) judgeAct(ev core.Event, a core.Act) {
	for _, t := range w.tasks {
		if t.kind == taskAct && !t.done && !t.dead && t.act.Service == a.Service {
			w.violate("two acts of %s at once", a.Service)
		}
	}
	s := w.byName(a.Service)
	if a.Verb == core.Start && s != nil {
		for _, name := range s.needs {
			if p := w.st.Services[name]; p == nil || (p.Phase != core.Up && p.Phase != core.Done) {
				w.violate("%s is started without its prerequisite %s", a.Service, name)
			}
		}
	}
	if !a.Automatic {
		return
	}
	ob, ok := ev.(core.Observed)
	switch {
	case !ok:
		w.violate("automatic %s of %s out of a %T", a.Verb, a.Service, ev)
	case ob.Service != a.Service || a.Decision != (core.Decision{PlanGen: ob.PlanGen, Epoch: ob.Epoch, Clean: true}):
		w.violate("automatic %s of %s with tokens that are not its observation's", a.Verb, a.Service)
	case len(ob.Holds) > 0 || !ob.Clean:
		w.violate("automatic %s of %s although its observation found it held", a.Verb, a.Service)
	}
}

// judgeExit: a deliberate stop of an instance that the core knew is held at once.
func (w *world) judgeExit(ev core.Exited, acts []core.Action) {
	s := w.byName(ev.Service)
	if s == nil || ev.Gen != s.stoppedGen || !w.knew {
		return
	}
	s.stoppedGen = 0
	sp := w.st.Services[ev.Service].Spec
	if sp.OperatorStop == core.ChooseRestart || (s.stoppedClean && (sp.Policy == core.Always || sp.Oneshot)) {
		return
	}
	if ev.Exit.AtWork != "" && !sp.Stateful {
		return // by the config that is in force by now it keeps no data
	}
	s.deliberate = true
	for _, a := range acts {
		if h, ok := a.(core.AddHold); ok && h.Service == ev.Service && h.Hold.Kind == core.HoldOperatorStop {
			return
		}
	}
	w.violate("the deliberate stop of %s gen %d was not held", s.name, ev.Gen)
}

// knows reports whether the core takes this exit for the end of the instance it
// has, with nothing in flight that explains it.
func (w *world) knows(ev core.Event) bool {
	ex, ok := ev.(core.Exited)
	if !ok {
		return false
	}
	cs := w.st.Services[ex.Service]
	return cs != nil && cs.Running && cs.Gen == ex.Gen && cs.Act == nil && w.st.Closing == nil
}

// judgeSaid is L5: a suppressed automatic action is said, once for the same holds.
func (w *world) judgeSaid(ev core.Event, acts []core.Action) {
	var name, key string
	switch ev := ev.(type) {
	case core.Result:
		if ev.Outcome != core.ActSuppressed {
			return
		}
		name, key = ev.Service, idsOf(ev.Holds)
	case core.Observed:
		name, key = ev.Service, idsOf(ev.Holds)
	default:
		return
	}
	s := w.byName(name)
	if s == nil {
		return
	}
	for _, a := range acts {
		if e, ok := a.(core.Emit); ok && e.Type == core.EvSuppressed && e.Service == name {
			s.said, s.unsaid = key, false
		}
	}
	if _, ok := ev.(core.Result); ok && s.unsaid {
		s.unsaid = false
		if s.said != key {
			w.violate("L5: a suppressed action on %s was not said", name)
		}
	}
}

func idsOf(hs []core.Hold) string {
	out := ""
	for _, h := range hs {
		out += h.ID + " "
	}
	return out
}

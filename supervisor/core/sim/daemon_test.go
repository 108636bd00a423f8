package sim

import (
	"encoding/json"
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// deliver gives the core one event and does what it answers.
func (w *world) deliver(ev core.Event) {
	if w.st == nil {
		return
	}
	switch ev := ev.(type) {
	case core.Interlock:
		s := w.byName(ev.Service)
		s.lockTold, s.toldAt = ev.On, w.step
	case core.Configure:
		s := w.byName(ev.Spec.Name)
		s.needs = ev.Spec.DependsOn
		s.mayFail = s.mayFail || ev.Spec.Policy == core.Never || ev.Spec.Limit.N > 0
	}
	w.knew = w.knows(ev)
	taken := w.taken(ev)
	acts := core.Step(w.st, w.bend(ev), w.now)
	acts = w.bendActions(ev, acts)
	if w.traced {
		w.tracef("  event %T %+v", ev, ev)
		for _, a := range acts {
			if act, ok := a.(core.Act); ok && act.Hold != nil {
				hold := *act.Hold
				act.Hold = nil // an address would differ from run to run
				w.tracef("    -> %T %+v %+v", act, act, hold)
				continue
			}
			w.tracef("    -> %T %+v", a, a)
		}
	}
	w.judgeStep(ev, acts)
	if !w.blind {
		w.judgeTimes(ev, taken, acts)
	}
	for _, a := range acts {
		w.perform(ev, a)
	}
}

// perform is the shell: it turns an action into a task.
func (w *world) perform(ev core.Event, a core.Action) {
	switch a := a.(type) {
	case core.Observe:
		w.daemonTask(&task{kind: taskObserve, name: a.Service})
	case core.Act:
		t := &task{kind: taskAct, name: a.Service, act: a, actor: -1, auto: a.Automatic, closing: w.st.Closing != nil}
		if !a.Automatic {
			t.actor = slices.Index(people[:], a.By)
		}
		if w.has(bugAutomaticAsOperator) {
			t.act.Automatic = false
			t.actor = 0
		}
		w.daemonTask(t)
		if t.svc != nil {
			t.decided = t.svc.servedStep
			t.svc.maxGen = max(t.svc.maxGen, a.Gen)
		}
	case core.AddHold:
		w.daemonTask(&task{kind: taskAddHold, name: a.Service, hold: a.Hold})
	case core.ClearHolds:
		if s := w.byName(a.Service); s != nil {
			s.deliberate = false // it was seen up
		}
		w.daemonTask(&task{kind: taskClearHolds, name: a.Service})
	case core.Emit:
		if a.Type == core.EvDone {
			w.byName(a.Service).completed = true
		}
	case core.Quit:
		w.die()
	}
	_ = ev
}

func (w *world) daemonTask(t *task) {
	if w.st == nil {
		return
	}
	t.svc = w.byName(t.name)
	if t.svc == nil {
		w.violate("an action for %q, which does not exist", t.name)
		return
	}
	t.daemon = true
	w.tasks = append(w.tasks, t)
}

// nextEvent takes one of the waiting events. They come from different goroutines
// and in any order, except that what the watcher says of one service is in order.
func (w *world) nextEvent() {
	i := w.rng.IntN(len(w.events))
	switch ev := w.events[i].(type) {
	case core.HoldsChanged:
		i = slices.IndexFunc(w.events, func(e core.Event) bool {
			h, ok := e.(core.HoldsChanged)
			return ok && h.Service == ev.Service
		})
	case core.Configure, core.Forget, core.Orphan, core.Interlock, core.Shutdown:
		// These are the loop's own, in the order in which they were made.
		i = slices.IndexFunc(w.events, isOwn)
	}
	ev := w.events[i]
	w.events = slices.Delete(w.events, i, i+1)
	w.deliver(ev)
}

func isOwn(e core.Event) bool {
	switch e.(type) {
	case core.Configure, core.Forget, core.Orphan, core.Interlock, core.Shutdown:
		return true
	}
	return false
}

// reexec is an upgrade in place: the core's state goes through JSON.
func (w *world) reexec() {
	if w.st == nil {
		return
	}
	b, err := json.Marshal(w.st)
	if err == nil {
		st := new(core.State)
		if err = json.Unmarshal(b, st); err == nil {
			w.st = st
		}
	}
	if err != nil {
		w.violate("cannot carry the state over: %v", err)
	}
	w.tracef("re-exec")
}

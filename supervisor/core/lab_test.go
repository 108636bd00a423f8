package core

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// lab is a shell that does at once and without fault what the core asks for: a
// place to tell stories in. The simulation is the one with the faults.
type lab struct {
	t    *testing.T
	st   *State
	now  Instant
	fact map[string]*fact
	log  []string // what happened, one line per action other than Observe
	slow bool     // leave Acts in flight; the test gives their Results
	acts []Act    // in flight, with slow
}

// fact is what is true of a service outside the core.
type fact struct {
	running   bool
	gen       uint64
	pid       int
	epoch     int
	settle    Instant
	holds     []Hold
	spawnErr  string
	died, did bool
	recorded  string
	ended     *Exit
	watchdog  time.Duration
	beat      Instant // last sign of life
	owner     string  // whose requests pass its locks
}

func newLab(t *testing.T, specs ...Spec) *lab {
	l := &lab{t: t, st: New(1, false), now: 1_000_000_000, fact: map[string]*fact{}}
	for _, sp := range specs {
		l.fact[sp.Name] = &fact{}
	}
	for _, sp := range specs {
		l.send(Configure{Spec: sp, PlanGen: 1})
	}
	return l
}

// svc is a spec as configs would make it, ready at once.
func svc(name string, needs ...string) Spec {
	return Spec{
		Name: name, DependsOn: needs, Autostart: true, Policy: OnFailure,
		Backoff: DefaultBackoff(), Ready: ReadyRule{Mode: ReadyTime}, StopTimeout: 10 * time.Second,
	}
}

// send gives an event to the core and does all that follows from it at once.
func (l *lab) send(ev Event) {
	l.t.Helper()
	todo := []Event{ev}
	for steps := 0; len(todo) > 0; steps++ {
		if steps > 10_000 {
			l.t.Fatalf("no end after %d events; log:\n%s", steps, strings.Join(l.log, "\n"))
		}
		for _, a := range Step(l.st, todo[0], l.now) {
			todo = append(todo, l.do(a)...)
		}
		todo = todo[1:]
		if err := broken(l.st); err != nil {
			l.t.Fatalf("after %T: %v", ev, err)
		}
	}
}

func (l *lab) do(a Action) []Event {
	switch a := a.(type) {
	case Observe:
		f := l.fact[a.Service]
		return []Event{Observed{Service: a.Service, PlanGen: 1, Epoch: fmt.Sprint(f.epoch), SettleUntil: f.settle, Clean: len(f.holds) == 0,
			Holds: f.holds, Running: f.running, Gen: f.gen, PID: f.pid, Watchdog: f.watchdog, DiedUnseen: f.died, Recorded: f.recorded, Ended: f.ended, Completed: f.did}}
	case Act:
		line := fmt.Sprintf("%s %s", a.Verb, a.Service)
		if a.Automatic {
			line += " auto"
		}
		l.log = append(l.log, line)
		if l.slow {
			l.acts = append(l.acts, a)
			return nil
		}
		return []Event{l.gate(a)}
	case AddHold:
		l.log = append(l.log, fmt.Sprintf("hold %s %s", a.Service, a.Hold.Kind))
		return l.hold(a.Service, Hold{Kind: a.Hold.Kind, ID: "h", By: a.Hold.By, Reason: a.Hold.Reason})
	case ClearHolds:
		l.log = append(l.log, "clear "+a.Service)
		f := l.fact[a.Service]
		f.holds = without(f.holds, HoldOperatorStop, HoldRestartLimit)
		f.epoch++
		return []Event{HoldsChanged{a.Service, f.holds}}
	case Emit:
		l.log = append(l.log, a.Type+" "+a.Service)
	case Reply:
		if a.Progress {
			l.log = append(l.log, fmt.Sprintf("progress %d: %s", a.Request, a.Text))
		} else {
			l.log = append(l.log, fmt.Sprintf("reply %d: %d %s", a.Request, a.Code, a.Text))
		}
	case Pulse:
		f := l.fact[a.Service]
		return []Event{Heartbeat{Service: a.Service, Gen: f.gen, At: f.beat, Every: f.watchdog}}
	case Quit:
		l.log = append(l.log, "quit")
	}
	return nil
}

// gate is the shell's gate without time: it refuses, or does it at once.
func (l *lab) gate(a Act) Event {
	f := l.fact[a.Service]
	holds := f.holds
	if !a.Automatic {
		holds = without(holds, HoldOperatorStop, HoldRestartLimit)
		if f.owner != "" && f.owner == a.By {
			holds = without(holds, HoldLock)
		}
	}
	r := Result{Act: a.ID, Service: a.Service}
	switch {
	case len(holds) > 0:
		r.Outcome, r.Holds = ActSuppressed, f.holds
	case a.Automatic && (a.Decision.Epoch != fmt.Sprint(f.epoch) || !a.Decision.Clean):
		r.Outcome = ActStale
	default:
		if a.ClearHolds {
			f.holds = without(f.holds, HoldOperatorStop, HoldRestartLimit)
			f.epoch++
		}
		if a.Hold != nil {
			f.holds = append(f.holds, Hold{Kind: a.Hold.Kind, ID: "h", By: a.Hold.By, Reason: a.Hold.Reason})
		}
		switch {
		case a.Verb == Start && f.spawnErr != "":
			r.Outcome, r.Err = ActFailed, f.spawnErr
		case a.Verb == Start, a.Verb == Restart:
			f.running, f.gen, f.pid = true, a.Gen, int(100+a.Gen)
			r.Gen, r.PID, r.Watchdog, f.beat = f.gen, f.pid, f.watchdog, l.now
		case a.Verb == Stop:
			f.running = false
		}
	}
	return r
}

// hold puts a lock or hold file in place, as somebody else would.
func (l *lab) hold(name string, h Hold) []Event {
	f := l.fact[name]
	f.holds = append(append([]Hold(nil), f.holds...), h)
	return []Event{HoldsChanged{name, f.holds}}
}

func (l *lab) lock(name, by string) {
	for _, ev := range l.hold(name, Hold{Kind: HoldLock, ID: by, By: by, Since: 1_700_000_000_000_000_000, Reason: "vacuum", LockID: by}) {
		l.send(ev)
	}
}

// release removes all locks of a service, with a new epoch, as end does.
func (l *lab) release(name string) {
	f := l.fact[name]
	f.holds, f.epoch = without(f.holds, HoldLock), f.epoch+1
	l.send(HoldsChanged{name, f.holds})
}

// exit has the process of a service end.
func (l *lab) exit(name string, e Exit) {
	f := l.fact[name]
	f.running = false
	e.Known = true
	l.send(Exited{name, f.gen, e})
}

func (l *lab) crash(name string) { l.exit(name, Exit{Signal: 11}) }
func (l *lab) ask(id uint64, v Verb, name, by string) {
	l.send(Request{ID: id, Service: name, Verb: v, By: by})
}

// pass lets time go by, with a Tick at each deadline.
func (l *lab) pass(d time.Duration) {
	l.t.Helper()
	end := l.now.Add(d)
	for n := 0; ; n++ {
		at := NextDeadline(l.st)
		if at == 0 || at > end {
			break
		}
		if n > 10_000 {
			l.t.Fatal("the clock stands still: a deadline is not cleared by its Tick")
		}
		l.now = max(l.now, at)
		l.send(Tick{})
	}
	l.now = end
}

// take returns what was logged since the last take.
func (l *lab) take() string {
	out := strings.Join(l.log, "\n")
	l.log = nil
	return out
}

// want compares the log since the last take with the lines of the story.
func (l *lab) want(lines ...string) {
	l.t.Helper()
	if got, want := l.take(), strings.Join(lines, "\n"); got != want {
		l.t.Fatalf("got:\n%s\nwant:\n%s", got, want)
	}
}

func (l *lab) phase(name string, p Phase, w Want) {
	l.t.Helper()
	if s := l.st.Services[name]; s.Phase != p || s.Want != w {
		l.t.Fatalf("%s is %s (%s), wanted %s; should be %s, wanted %s", name, s.Phase, s.Why, s.Want, p, w)
	}
}

// broken says which invariant of the state does not hold.
func broken(st *State) error {
	acts := 0
	for name, s := range st.Services {
		switch {
		case s.Spec.Name != name:
			return fmt.Errorf("%q is filed as %q", s.Spec.Name, name)
		case s.Phase >= phases:
			return fmt.Errorf("%q is in no phase", name)
		case s.Phase == Up && !s.Running:
			return fmt.Errorf("%q is up without an instance", name)
		case (s.Phase == Backoff || s.Phase == Failed || s.Phase == Done || s.Phase == Down) && s.Running && s.Act == nil:
			return fmt.Errorf("%q runs and is %s", name, s.Phase)
		case s.Phase == Stopping && s.Act == nil:
			return fmt.Errorf("%q is stopping without an act", name)
		case s.Phase == Starting && s.Act == nil && !s.Running:
			return fmt.Errorf("%q is starting without act or instance", name)
		case s.Running && s.Gen < Stranger && s.Gen > s.LastGen:
			return fmt.Errorf("%q: generation %d above the last %d", name, s.Gen, s.LastGen)
		case s.Again && !s.Observing && s.Act == nil:
			return fmt.Errorf("%q is to be looked at again and nothing is under way", name)
		case s.Act != nil && s.Act.Act.Service != name:
			return fmt.Errorf("%q has an act of %q", name, s.Act.Act.Service)
		case st.index != nil && s.deadline() != slotTime(st, s):
			return fmt.Errorf("%q: deadline %d, timer %d", name, s.deadline(), slotTime(st, s))
		}
		if s.Act != nil {
			acts++
		}
		for _, id := range s.Queue {
			if p := st.Requests[id]; p == nil || p.Request.Service != name {
				return fmt.Errorf("%q: queued request %d is not its own", name, id)
			}
		}
	}
	for id, p := range st.Requests {
		if st.Services[p.Request.Service] == nil {
			return fmt.Errorf("request %d is for a service that is gone", id)
		}
	}
	if st.index != nil && st.index.acts != acts {
		return fmt.Errorf("%d acts in flight, counted %d", acts, st.index.acts)
	}
	return nil
}

func slotTime(st *State, s *Service) Instant {
	if s.slot == 0 {
		return 0
	}
	return st.index.timers[s.slot-1].at
}

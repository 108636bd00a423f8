package sim

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/supd/supd/supervisor/core"
)

// How much is simulated. A schedule is a safety phase of some steps, in which
// everything may happen, and a liveness phase in which nothing more goes wrong.
const (
	schedulesDefault = 100_000
	schedulesShort   = 5_000
	stepsMin         = 30
	stepsMore        = 150
	calmStepsMax     = 4_000
)

// schedule runs one seed and returns the first violation, "" if none.
func schedule(seed uint64, b bugSet, traced bool) (string, string) {
	w := newWorld(seed, b)
	w.traced = traced
	return w.live()
}

// live runs both phases.
func (w *world) live() (string, string) {
	for n := stepsMin + w.rng.IntN(stepsMore); n > 0 && w.found == ""; n-- {
		w.move()
	}
	if w.found == "" && !w.blind {
		w.settleDown()
	}
	return w.found, w.trace()
}

// move is one moment of the safety phase.
func (w *world) move() {
	w.step++
	if w.stall > 0 {
		w.stalled()
		return
	}
	switch n := w.rng.IntN(20); {
	case n < 3:
		w.happen()
	case n < 4 && w.st != nil:
		w.wake()
	case n < 10 && len(w.events) > 0:
		w.nextEvent()
	case len(w.tasks) > 0:
		w.run(w.tasks[w.rng.IntN(len(w.tasks))])
		w.sweep()
	case len(w.events) > 0:
		w.nextEvent()
	default:
		w.happen()
	}
}

// stalled is a moment while the daemon is stopped: people and helpers go on.
func (w *world) stalled() {
	w.stall--
	if w.rng.IntN(4) == 0 {
		w.happen()
		return
	}
	from := w.rng.IntN(len(w.tasks) + 1)
	for i := range w.tasks {
		if t := w.tasks[(from+i)%len(w.tasks)]; !t.daemon && w.run(t) {
			break
		}
	}
	w.sweep()
}

// wake brings the time to the core's next deadline, and its Tick.
func (w *world) wake() bool {
	at := core.NextDeadline(w.st)
	if at == 0 {
		return false
	}
	w.now = max(w.now, at)
	w.deliver(core.Tick{})
	return true
}

// settleDown is the liveness phase: the faults end, people take their locks away,
// and everything that should be up must come up.
func (w *world) settleDown() {
	w.stall = 0
	w.tracef("--- calm")
	w.diskFull = false
	if w.st == nil || w.st.Closing != nil {
		if w.st != nil {
			w.die()
		}
		w.boot()
	}
	for _, s := range w.svc {
		s.garbage, s.spawnFail, s.neverUp = false, false, false
		w.changed(s)
		if s.interlock {
			w.interlockTurns(s)
		}
		if s.failing && s.proc != nil {
			w.checkTurns(s)
		}
		if !s.configured {
			s.configured = true
			w.planGen++
			w.tell(core.Configure{Spec: s.spec, PlanGen: w.planGen})
		}
	}
	w.rest()
	for _, l := range w.locks {
		if !l.ended {
			w.tasks = append(w.tasks, &task{kind: taskEnd, lock: l, actor: l.owner, force: true})
		}
	}
	w.rest()
	w.judgeCalm()
}

// rest lets everything run until nothing is left to do.
func (w *world) rest() {
	for n := 0; w.found == ""; n++ {
		if n > calmStepsMax {
			w.violate("no rest: something goes on for ever")
		}
		w.step++
		switch {
		case len(w.events) > 0:
			w.nextEvent()
		case w.runAny():
		case w.processesGoOn():
		case len(w.tasks) > 0:
			w.violate("deadlock: %d tasks wait for each other", len(w.tasks))
		case w.st != nil && w.wake():
		default:
			return
		}
		if w.st == nil {
			w.boot()
		}
	}
}

// runAny runs the first task that can go on, from a random one.
func (w *world) runAny() bool {
	if len(w.tasks) == 0 {
		return false
	}
	from := w.rng.IntN(len(w.tasks))
	for i := range w.tasks {
		if w.run(w.tasks[(from+i)%len(w.tasks)]) {
			w.sweep()
			return true
		}
	}
	return false
}

// processesGoOn has processes do what they are for: be ready, or be done.
func (w *world) processesGoOn() bool {
	for _, s := range w.svc {
		p := s.proc
		switch {
		case p == nil || !p.alive:
		case p.termed != nil && s.rec != nil && s.rec.alive(w) && (s.rec.helper == nil || s.rec.helper.done):
			// TERM was sent and nobody is left to send KILL: it ends, or a person ends it.
			w.end(p, core.Exit{Signal: 15, BySupd: true})
			return true
		case p.seen != w.life:
		case !p.ready:
			w.becomeReady(s)
			return true
		case s.spec.Oneshot:
			w.end(p, core.Exit{})
			return true
		}
	}
	return false
}

// judgeCalm: what should be up and is free is up, and everybody has an answer.
func (w *world) judgeCalm() {
	if len(w.open) > 0 {
		w.violate("%d requests were never answered", len(w.open))
	}
	free := map[string]bool{}
	for _, s := range w.svc { // prerequisites come first
		cs := w.st.Services[s.name]
		free[s.name] = s.spec.Autostart && s.spec.Policy != core.Never && len(s.holds) == 0 && !s.deliberate &&
			!(cs.Phase == core.Failed && s.mayFail) && len(cs.EffectiveHolds()) == 0
		for _, d := range s.spec.DependsOn {
			free[s.name] = free[s.name] && free[d]
		}
		w.judgeNoTimeForgotten(s, free)
		running := s.proc != nil && s.proc.alive
		switch {
		case !free[s.name]:
		case s.spec.Oneshot && cs.Phase != core.Done:
			w.violate("the free oneshot %s is %s (%s)", s.name, cs.Phase, cs.Why)
		case !s.spec.Oneshot && (!running || cs.Phase != core.Up):
			w.violate("the free service %s is %s (%s), wanted %s, running %v", s.name, cs.Phase, cs.Why, cs.Want, running)
		}
	}
}

func TestSimulation(t *testing.T) {
	if v := os.Getenv("SIM_SEED"); v != "" {
		seed, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		found, trace := schedule(seed, 0, true)
		t.Logf("%s", trace)
		if found != "" {
			t.Fatal(found)
		}
		return
	}
	n := schedulesDefault
	if v := os.Getenv("SIM_SCHEDULES"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		n = schedulesShort
	}
	began := time.Now()
	for seed := range uint64(n) {
		if found, _ := schedule(seed, 0, false); found != "" {
			_, trace := schedule(seed, 0, true)
			t.Fatalf("%s\n%s\nreplay with SIM_SEED=%d", found, trace, seed)
		}
	}
	t.Logf("%d schedules in %v", n, time.Since(began).Round(time.Millisecond))
}

// TestSameSeedSameStory: a failure can be replayed.
func TestSameSeedSameStory(t *testing.T) {
	for seed := range uint64(50) {
		_, a := schedule(seed, 0, true)
		_, b := schedule(seed, 0, true)
		if a != b {
			t.Fatalf("seed %d tells two stories", seed)
		}
	}
}

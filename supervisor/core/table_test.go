package core

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/states.md anew")

// inPhase makes a state whose service "db" is in the phase by the way that leads
// there, with the dependent "web" wanted up.
func inPhase(t *testing.T, p Phase) *lab {
	sp := svc("db")
	sp.Backoff.Jitter = 0
	sp.Ready = ReadyRule{Mode: ReadyNotify}
	sp.ReadyTimeout = 20 * time.Second
	switch p {
	case Down:
		sp.Autostart = false
	case Failed:
		sp.Policy = Never
	case Done:
		sp.Oneshot = true
	}
	l := newLab(t, sp)
	ready := func() { l.send(Ready{"db", l.fact["db"].gen}) }
	switch p {
	case Up:
		ready()
	case Stopping:
		ready()
		l.slow = true
		l.ask(1, Stop, "db", "alice")
	case Backoff:
		l.crash("db")
		l.crash("db")
	case Failed:
		l.crash("db")
	case Done:
		l.exit("db", Exit{})
	}
	if got := l.st.Services["db"].Phase; got != p {
		t.Fatalf("made %s, wanted %s", got, p)
	}
	l.st.Services["db"].Failing = []Failing{}
	return l
}

// row is an event of the table; asked sets up the observation or act it answers.
type row struct {
	name  string
	event func(s *Service) Event
	asked bool
}

// rows are all kinds of events, with the variants that differ in what they mean.
func rows() []row {
	lock := []Hold{{Kind: HoldLock, ID: "1", By: "alice"}}
	exit := func(e Exit) func(*Service) Event {
		e.Known = true
		return func(s *Service) Event { return Exited{"db", s.Gen, e} }
	}
	ask := func(v Verb) func(*Service) Event {
		return func(*Service) Event { return Request{ID: 9, Service: "db", Verb: v, By: "bob"} }
	}
	fixed := func(ev Event) func(*Service) Event { return func(*Service) Event { return ev } }
	fails := func(on OnFail) func(*Service) Event {
		return func(s *Service) Event { return CheckFailed{"db", s.Gen, "http", on, "503"} }
	}
	return []row{
		{"Configure, the same", func(s *Service) Event { return Configure{s.Spec, 2} }, false},
		{"Orphan", fixed(Orphan{"db"}), false},
		{"Forget", fixed(Forget{"db"}), false},
		{"Observed, as it is, free", observedAs(nil), true},
		{"Observed, as it is, locked", observedAs(lock), true},
		{"Observed, runs by another hand", fixed(Observed{Service: "db", PlanGen: 1, Epoch: "0", Clean: true, Running: true, Gen: Stranger | 7, PID: 77}), true},
		{"Observed, nobody asked", observedAs(nil), false},
		{"Exited, a crash", exit(Exit{Signal: 11}), false},
		{"Exited, on purpose", exit(Exit{Signal: 15}), false},
		{"Exited, by supd", exit(Exit{Signal: 15, BySupd: true}), false},
		{"Exited, an older instance", func(s *Service) Event { return Exited{"db", 99, Exit{Known: true}} }, false},
		{"Ready", func(s *Service) Event { return Ready{"db", s.Gen} }, false},
		{"Ready, an older instance", fixed(Ready{"db", 99}), false},
		{"Heartbeat, in time", func(s *Service) Event { return Heartbeat{Service: "db", Gen: s.Gen, At: 1 << 60, Every: time.Second} }, false},
		{"Heartbeat, long ago", func(s *Service) Event { return Heartbeat{Service: "db", Gen: s.Gen, At: 1, Every: 1} }, false},
		{"Heartbeat, out of order", func(s *Service) Event { return Heartbeat{Service: "db", Gen: s.Gen, Failed: true} }, false},
		{"Heartbeat, an older instance", fixed(Heartbeat{Service: "db", Gen: 99, Failed: true}), false},
		{"Extend", func(s *Service) Event { return Extend{"db", s.Gen, time.Minute} }, false},
		{"CheckFailed, restart", fails(FailRestart), false},
		{"CheckFailed, alert", fails(FailAlert), false},
		{"CheckFailed, hold", fails(FailHold), false},
		{"CheckRecovered", fixed(CheckRecovered{"db", 1, "http"}), false},
		{"Interlock, on", fixed(Interlock{"db", "disk", true, "errors"}), false},
		{"Interlock, off", fixed(Interlock{"db", "disk", false, ""}), false},
		{"Request start", ask(Start), false},
		{"Request stop", ask(Stop), false},
		{"Request restart", ask(Restart), false},
		{"Request reload", ask(Reload), false},
		{"CancelRequest, unknown", fixed(CancelRequest{99}), false},
		{"Result, of an older act", fixed(Result{Act: 99, Service: "db"}), false},
		{"Result, done", resultOf(ActDone), false},
		{"Result, failed", resultOf(ActFailed), false},
		{"Result, suppressed", resultOf(ActSuppressed), false},
		{"Result, stale", resultOf(ActStale), false},
		{"Result, busy", resultOf(ActBusy), false},
		{"HoldsChanged, locked", fixed(HoldsChanged{"db", lock}), false},
		{"HoldsChanged, nothing new", func(s *Service) Event { return HoldsChanged{"db", s.Holds} }, false},
		{"Due, no job", fixed(Due{"db"}), false},
		{"Due, a job", func(s *Service) Event { s.Spec.Oneshot = true; return Due{"db"} }, false},
		{"Tick, nothing due", fixed(Tick{}), false},
		{"Shutdown, leave services", fixed(Shutdown{}), false},
		{"Shutdown, stop services", fixed(Shutdown{StopServices: true}), false},
	}
}

func observedAs(holds []Hold) func(*Service) Event {
	return func(s *Service) Event {
		return Observed{Service: "db", PlanGen: 1, Epoch: "0", Clean: len(holds) == 0, Holds: holds, Running: s.Running, Gen: s.Gen, PID: s.PID}
	}
}

func resultOf(o Outcome) func(*Service) Event {
	return func(s *Service) Event {
		r := Result{Service: "db", Outcome: o, Gen: s.LastGen, PID: 5}
		if s.Act != nil {
			r.Act = s.Act.Act.ID
		}
		if o == ActSuppressed {
			r.Holds = []Hold{{Kind: HoldLock, ID: "1", By: "alice"}}
		}
		return r
	}
}

// TestEveryEventInEveryPhase walks the whole table: each event does something or
// says why it is ignored, leaves the state sound, and is written down.
func TestEveryEventInEveryPhase(t *testing.T) {
	var doc strings.Builder
	doc.WriteString("# What each event does in each phase\n\nWritten by `go test ./supervisor/core -run EveryEvent -update`, compared by the same test. The service is not held, has no\nprerequisites, and reports its readiness; `starting` has its process, `stopping` an act in flight.\n")
	for p := Down; p < phases; p++ {
		fmt.Fprintf(&doc, "\n## %s\n\n| event | phase after | actions |\n| --- | --- | --- |\n", p)
		for _, r := range rows() {
			l := inPhase(t, p)
			s := l.st.Services["db"]
			if r.asked && s.Act == nil {
				s.Observing = true
				l.st.index = nil // it was set by hand
			}
			before, _ := json.Marshal(l.st)
			acts, ignored := step(l.st, r.event(s), l.now)
			after, _ := json.Marshal(l.st)
			if ignored == "" && len(acts) == 0 && string(before) == string(after) {
				t.Errorf("%s in phase %s: nothing happens and nobody says why", r.name, p)
			}
			if err := broken(l.st); err != nil {
				t.Errorf("%s in phase %s: %v", r.name, p, err)
			}
			fmt.Fprintf(&doc, "| %s | %s | %s |\n", r.name, phaseAfter(l.st, p), actionsText(acts, ignored))
		}
	}
	const file = "../../docs/states.md"
	if *update {
		if err := os.WriteFile(file, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != doc.String() {
		t.Errorf("%s is not what the core does (%v); run go test ./supervisor/core -run EveryEvent -update and read the difference", file, err)
	}
}

func phaseAfter(st *State, before Phase) string {
	s := st.Services["db"]
	switch {
	case s == nil:
		return "forgotten"
	case s.Phase == before:
		return "="
	}
	return s.Phase.String()
}

func actionsText(acts []Action, ignored string) string {
	if ignored != "" && len(acts) == 0 {
		return "ignored: " + ignored
	}
	var out []string
	for _, a := range acts {
		switch a := a.(type) {
		case Observe:
			out = append(out, "look")
		case Act:
			out = append(out, "**"+string(a.Verb)+"**")
		case AddHold:
			out = append(out, "hold "+string(a.Hold.Kind))
		case ClearHolds:
			out = append(out, "clear holds")
		case Emit:
			out = append(out, "`"+a.Type+"`")
		case Reply:
			if a.Progress {
				out = append(out, "progress")
			} else {
				out = append(out, fmt.Sprintf("reply %d", a.Code))
			}
		case Quit:
			out = append(out, "quit")
		}
	}
	if len(out) == 0 {
		return "noted"
	}
	return strings.Join(out, ", ")
}

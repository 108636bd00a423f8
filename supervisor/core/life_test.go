package core

import (
	"strings"
	"testing"
	"time"
)

// adopt starts a core that knows nothing over the given facts.
func adopt(t *testing.T, f fact, sp Spec) *lab {
	l := &lab{t: t, st: New(1, false), now: 1_000_000_000, fact: map[string]*fact{sp.Name: &f}}
	l.send(Configure{Spec: sp, PlanGen: 1})
	return l
}

func TestAdoption(t *testing.T) {
	stop := []Hold{{Kind: HoldOperatorStop, ID: "1", By: "bob"}}
	limit := []Hold{{Kind: HoldRestartLimit, ID: "1"}}
	stateful, job := svc("db"), svc("db")
	stateful.Stateful, job.Oneshot = true, true
	for _, c := range []struct {
		name  string
		spec  Spec
		fact  fact
		phase Phase
		want  Want
		log   string
	}{
		{"running", svc("db"), fact{running: true, gen: 4, pid: 9}, Up, WantUp, "service.adopted db"},
		{"running, not autostarted", manual("db"), fact{running: true, gen: 4}, Up, WantUp, "service.adopted db"},
		{"running under an operator stop", svc("db"), fact{running: true, gen: 4, holds: stop}, Up, WantUp, "service.adopted db\nclear db"},
		{"down, autostart", svc("db"), fact{}, Up, WantUp, "start db auto\nservice.starting db\nservice.up db"},
		{"down, by hand", manual("db"), fact{}, Down, WantDown, ""},
		{"down, stopped", svc("db"), fact{holds: stop}, Down, WantDown, ""},
		{"down, limit", svc("db"), fact{holds: limit}, Failed, WantUp, ""},
		{"died unseen", manual("db"), fact{died: true}, Up, WantUp, "service.crashed db\nstart db auto\nservice.starting db\nservice.up db"},
		{"died unseen, stateful", stateful, fact{died: true}, Down, WantDown, "service.operator_stop db\nhold db operator-stop"},
		{"died unseen, stopped", svc("db"), fact{died: true, holds: stop}, Down, WantDown, ""},
		{"ended before the first look", manual("db"), fact{ended: &Exit{Known: true, Signal: 9}}, Up, WantUp, "service.crashed db\nstart db auto\nservice.starting db\nservice.up db"},
		{"stopped before the first look", svc("db"), fact{ended: &Exit{Known: true, Signal: 15}}, Down, WantDown, "service.operator_stop db\nhold db operator-stop"},
		{"crash on record", manual("db"), fact{died: true, recorded: "was killed by SIGKILL"}, Up, WantUp, "start db auto\nservice.starting db\nservice.up db"},
		{"crash on record, locked", svc("db"), fact{died: true, recorded: "was killed by SIGKILL", holds: []Hold{{Kind: HoldLock, ID: "1", By: "bob"}}}, Down, WantUp, "action.suppressed db"},
		{"job done before", job, fact{did: true}, Done, WantUp, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := adopt(t, c.fact, c.spec)
			l.phase("db", c.phase, c.want)
			if got := l.take(); got != c.log {
				t.Errorf("got\n%s\nwant\n%s", got, c.log)
			}
		})
	}
}

func TestGenerationsGoOnAfterAdoption(t *testing.T) {
	l := adopt(t, fact{running: true, gen: 41}, svc("db"))
	l.crash("db")
	if g := l.st.Services["db"].Gen; g != 42 {
		t.Fatalf("generation %d", g)
	}
}

func TestVanishedProcessWithoutAnExitIsAnUnknownEnd(t *testing.T) {
	l := newLab(t, svc("db"))
	l.fact["db"].running = false
	l.take()
	l.send(HoldsChanged{"db", []Hold{{Kind: HoldLock, ID: "1"}}})
	l.send(HoldsChanged{"db", nil})
	l.want("service.released db")
	l.pass(exitGrace)
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
}

func TestExitBeforeTheResultOfItsStart(t *testing.T) {
	sp := manual("db")
	sp.Backoff.First = time.Minute
	l := newLab(t, sp)
	l.slow = true
	l.ask(1, Start, "db", "bob")
	l.send(Exited{"db", l.acts[0].Gen, Exit{Known: true, Code: 3}})
	l.send(Result{Act: l.acts[0].ID, Service: "db", Gen: l.acts[0].Gen, PID: 8})
	l.phase("db", Backoff, WantUp)
	if got := l.take(); !strings.Contains(got, `reply 1: 1 cannot start "db": it exited with code 3 before it was ready`) {
		t.Fatal(got)
	}
}

func TestReloadChangesPoliciesAtOnceAndStopsNothing(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	sp := svc("db")
	sp.Policy = Never
	l.send(Configure{Spec: sp, PlanGen: 2})
	l.want("")
	l.crash("db")
	l.want("service.crashed db", "service.failed db")
}

func TestOrphanGoesOnSupervised(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	l.send(Orphan{"db"})
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
	l.send(Configure{Spec: svc("db"), PlanGen: 2})
	if l.st.Services["db"].Orphaned {
		t.Fatal("it is back in the configuration")
	}
}

func TestForgetWaitsForTheActInFlight(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.slow = true
	l.ask(1, Stop, "web", "bob")
	l.take()
	l.send(Forget{"web"})
	l.want(`reply 1: 3 no such service "web": it was taken out of the configuration`)
	l.send(l.gate(l.acts[0]))
	if l.st.Services["web"] != nil {
		t.Fatal("it is still there")
	}
}

func TestShutdownStopsInReverseOrderAndLeavesTheLocked(t *testing.T) {
	l := newLab(t, svc("db"), svc("api", "db"), svc("web", "api"), svc("mail"))
	l.lock("mail", "alice")
	l.take()
	l.send(Shutdown{StopServices: true})
	l.want("shutdown.left_running mail", "stop web auto", "service.stopped web", "stop api auto", "service.stopped api", "stop db auto", "service.stopped db", "quit")
	l.ask(9, Start, "db", "bob")
	l.want(`reply 9: 1 cannot start "db": supd is shutting down`)
}

func TestShutdownThatLeavesServicesWaitsForWhatIsInFlight(t *testing.T) {
	l := newLab(t, svc("db"))
	l.slow = true
	l.ask(1, Restart, "db", "bob")
	l.take()
	l.send(Shutdown{})
	l.want("")
	l.slow = false
	l.send(l.gate(l.acts[0]))
	if got := l.take(); !strings.HasSuffix(got, "quit") {
		t.Fatal(got)
	}
}

func TestShutdownGivesUpInTheEnd(t *testing.T) {
	l := newLab(t, svc("db"))
	l.slow = true
	l.take()
	l.send(Shutdown{StopServices: true})
	l.want("stop db auto")
	l.pass(10*time.Second + killGrace + leaveWait)
	l.want("shutdown.late db", "quit")
}

func TestExitDuringShutdownIsNoOperatorStop(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.slow = true
	l.send(Shutdown{StopServices: true})
	l.take()
	l.exit("db", Exit{Signal: 15})
	l.want("")
}

func TestMassCrashDecidesEachAlone(t *testing.T) {
	var specs []Spec
	for _, n := range []string{"a", "b", "c", "d"} {
		specs = append(specs, svc(n))
	}
	l := newLab(t, specs...)
	l.lock("c", "alice")
	l.take()
	for _, sp := range specs {
		l.crash(sp.Name)
	}
	for _, n := range []string{"a", "b", "d"} {
		l.phase(n, Up, WantUp)
	}
	l.phase("c", Down, WantUp)
}

func TestExplain(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	has := func(service string, parts ...string) {
		t.Helper()
		text := strings.Join(Explain(l.st, service, l.now), "\n")
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%s: no %q in\n%s", service, p, text)
			}
		}
	}
	has("db", `"db" is up`, "wanted up", "if it fails, it is started again")
	l.exit("db", Exit{Signal: 15, Sender: "bob (pts/3)"})
	has("db", "operator-stop: held by bob (pts/3)", "supctl start db", "wanted down")
	l.crash("web")
	has("web", `it waits for "db", which is down`)
	l.ask(1, Start, "db", "bob")
	l.lock("db", "alice")
	has("db", "lock: held by alice since 2023-11-14T22:13:20Z (vacuum)", "supctl maintenance end db")
	l.release("db")
	l.crash("db")
	l.crash("db")
	has("db", "is backoff", "the next attempt is in")
	if Explain(l.st, "nobody", l.now) != nil {
		t.Error("an unknown service is explained")
	}
}

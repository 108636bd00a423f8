package core

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestWhatAnExitMeans is the table of "when somebody forgot the lock".
func TestWhatAnExitMeans(t *testing.T) {
	plain, always, restart := Spec{}, Spec{Policy: Always}, Spec{OperatorStop: ChooseRestart}
	stateful, oneshot := Spec{Stateful: true}, Spec{Oneshot: true}
	known := func(e Exit) Exit { e.Known = true; return e }
	for _, c := range []struct {
		name string
		spec Spec
		exit Exit
		want verdict
	}{
		{"exit 0", plain, known(Exit{}), deliberate},
		{"exit 0, always", always, known(Exit{}), again},
		{"exit 0, operator_stop restart", restart, known(Exit{}), again},
		{"exit 0, oneshot", oneshot, known(Exit{}), finished},
		{"exit 1", plain, known(Exit{Code: 1}), crash},
		{"TERM", plain, known(Exit{Signal: 15}), deliberate},
		{"INT", plain, known(Exit{Signal: 2}), deliberate},
		{"QUIT", plain, known(Exit{Signal: 3, CoreDump: true}), deliberate},
		{"HUP", plain, known(Exit{Signal: 1}), deliberate},
		{"TERM, always: a signal still holds", always, known(Exit{Signal: 15}), deliberate},
		{"TERM, operator_stop restart", restart, known(Exit{Signal: 15}), again},
		{"TERM of a oneshot", oneshot, known(Exit{Signal: 15}), deliberate},
		{"129", plain, known(Exit{Code: 129}), deliberate},
		{"130", plain, known(Exit{Code: 130}), deliberate},
		{"131", plain, known(Exit{Code: 131}), deliberate},
		{"143", always, known(Exit{Code: 143}), deliberate},
		{"137 is a KILL", plain, known(Exit{Code: 137}), crash},
		{"128", plain, known(Exit{Code: 128}), crash},
		{"KILL", plain, known(Exit{Signal: 9}), crash},
		{"KILL from a session", plain, known(Exit{Signal: 9, FromSession: true}), deliberate},
		{"SEGV", plain, known(Exit{Signal: 11}), crash},
		{"TERM by a memory killer", plain, known(Exit{Signal: 15, ByMemoryKiller: true}), crash},
		{"out of memory", plain, known(Exit{Signal: 9, OOM: true, FromSession: true}), crash},
		{"TERM, after the kernel took a worker for memory", plain, known(Exit{Signal: 15, OOM: true}), deliberate},
		{"exit 0, after the kernel took a worker for memory", plain, known(Exit{OOM: true}), deliberate},
		{"SEGV, somebody at work, stateful", stateful, known(Exit{Signal: 11, AtWork: "bob"}), deliberate},
		{"SEGV, somebody at work, not stateful", plain, known(Exit{Signal: 11, AtWork: "bob"}), crash},
		{"SEGV, somebody at work, operator_stop restart", Spec{Stateful: true, OperatorStop: ChooseRestart}, known(Exit{Signal: 11, AtWork: "bob"}), crash},
		{"unknown", plain, Exit{}, crash},
		{"unknown, stateful", stateful, Exit{}, deliberate},
		{"unknown, hold", Spec{UnknownExit: ChooseHold}, Exit{}, deliberate},
		{"unknown, stateful, restart", Spec{Stateful: true, UnknownExit: ChooseRestart}, Exit{}, crash},
		{"unknown, pidfile removed", plain, Exit{PidfileRemoved: true}, deliberate},
		{"unknown, pidfile left, stateful", stateful, Exit{PidfileLeft: true}, crash},
	} {
		if got := c.spec.judge(c.exit); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestDelaysGrowToTheLongestAndNoFurther(t *testing.T) {
	b := DefaultBackoff()
	b.Jitter = 0
	st := New(1, false)
	want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}
	for i, w := range want {
		if d := st.delay(b, i+1); d != w {
			t.Errorf("failure %d waits %v, want %v", i+1, d, w)
		}
	}
	for _, n := range []int{12, 100, 1 << 30} {
		if d := st.delay(b, n); d != time.Minute {
			t.Errorf("failure %d waits %v", n, d)
		}
	}
	if b.atLongest(11) || !b.atLongest(12) {
		t.Error("100 ms doubled nine times is 51.2 s, ten times a minute")
	}
	if d := st.delay(BackoffRule{}, 2); d != backoffThenDefault {
		t.Errorf("a rule of zeros waits %v: it must not try without pause", d)
	}
}

func TestJitterIsBoundedAndReplays(t *testing.T) {
	b := DefaultBackoff()
	one, two := New(7, false), New(7, false)
	varied := false
	for range 1000 {
		d := one.delay(b, 3)
		if d < 180*time.Millisecond || d > 220*time.Millisecond {
			t.Fatalf("%v is not within a tenth of 200 ms", d)
		}
		varied = varied || d != 200*time.Millisecond
		if two.delay(b, 3) != d {
			t.Fatal("the same seed gave two delays")
		}
	}
	if !varied {
		t.Fatal("jitter does nothing")
	}
}

func TestRestartLimitHoldsOnceAndStartClearsIt(t *testing.T) {
	sp := svc("db")
	sp.Limit = LimitRule{N: 3, Per: 10 * time.Minute}
	l := newLab(t, sp)
	for range 2 {
		l.crash("db")
		l.pass(time.Second)
	}
	l.take()
	l.crash("db")
	l.want("service.crashed db", "service.failed db", "hold db restart-limit")
	l.phase("db", Failed, WantUp)
	l.pass(time.Hour)
	l.want("")
	l.ask(1, Start, "db", "alice")
	l.want("start db", "service.starting db", "service.up db", `reply 1: 0 "db" is up`)
	if len(l.fact["db"].holds) != 0 {
		t.Fatal("the hold is still there")
	}
}

func TestLimitCountsOnlyItsWindow(t *testing.T) {
	sp := svc("db")
	sp.Limit = LimitRule{N: 2, Per: time.Minute}
	l := newLab(t, sp)
	for range 5 {
		l.crash("db")
		l.pass(2 * time.Minute)
		l.phase("db", Up, WantUp)
	}
}

func TestCrashLoopIsSaidOnceAndGoesOn(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	for range 20 {
		l.crash("db")
		for l.st.Services["db"].Phase != Up {
			l.pass(time.Second)
		}
	}
	if n := strings.Count(l.take(), "service.crash_loop db"); n != 1 {
		t.Fatalf("said %d times", n)
	}
}

func TestPolicyNever(t *testing.T) {
	sp := svc("db")
	sp.Policy = Never
	l := newLab(t, sp)
	l.take()
	l.crash("db")
	l.want("service.crashed db", "service.failed db")
	l.pass(time.Hour)
	l.phase("db", Failed, WantUp)
}

func TestPolicyAlwaysStartsAfterACleanEnd(t *testing.T) {
	sp := svc("db")
	sp.Policy = Always
	l := newLab(t, sp)
	l.take()
	l.exit("db", Exit{})
	l.want("service.stopped db", "start db auto", "service.starting db", "service.up db")
}

func TestSpawnErrorBacksOffAndIsTold(t *testing.T) {
	l := newLab(t, svc("db"))
	l.ask(1, Stop, "db", "alice")
	l.take()
	l.fact["db"].spawnErr = `cannot start "db": /usr/bin/db: no such file or directory`
	l.ask(2, Start, "db", "alice")
	l.want("start db", "action.failed db", `reply 2: 1 cannot start "db": /usr/bin/db: no such file or directory`,
		"start db auto", "action.failed db")
	l.phase("db", Backoff, WantUp)
	l.fact["db"].spawnErr = ""
	l.pass(time.Second)
	l.phase("db", Up, WantUp)
}

func TestReadinessTimesOut(t *testing.T) {
	sp := svc("db")
	sp.Ready, sp.ReadyTimeout = ReadyRule{Mode: ReadyNotify}, 20*time.Second
	sp.Autostart = false
	sp.Backoff.First = time.Hour
	l := newLab(t, sp)
	l.ask(1, Start, "db", "alice")
	l.want("start db", "service.starting db")
	l.pass(20 * time.Second)
	l.want("stop db auto", "service.not_ready db", `reply 1: 1 cannot start "db": it was not ready within 20s`, "service.stopped db")
	l.phase("db", Backoff, WantUp)
}

func TestReadinessTimeoutUnderALockStopsNothing(t *testing.T) {
	sp := svc("db")
	sp.Ready, sp.ReadyTimeout = ReadyRule{Mode: ReadyNotify}, 20*time.Second
	l := newLab(t, sp)
	l.lock("db", "alice")
	l.take()
	l.pass(time.Hour)
	l.want("action.suppressed db")
	l.phase("db", Starting, WantUp)
	l.send(Ready{"db", 1})
	l.want("service.up db")
}

func TestOneshotIsDoneAndServesItsDependents(t *testing.T) {
	job := svc("job")
	job.Oneshot = true
	l := newLab(t, job, svc("web", "job"))
	l.want("start job auto", "service.starting job")
	l.phase("web", Down, WantUp)
	l.exit("job", Exit{})
	l.want("service.done job", "start web auto", "service.starting web", "service.up web")
	l.phase("job", Done, WantUp)
}

func TestObserveModeOnlySays(t *testing.T) {
	sp := svc("db")
	sp.Observe = true
	l := newLab(t, sp)
	l.want("would.start db")
	l.ask(1, Start, "db", "alice")
	l.want(`reply 1: 1 would start "db" (asked by alice), but only observes`, "would.start db")
	l.pass(time.Hour)
	l.want("")
}

func TestStateSurvivesJSON(t *testing.T) {
	l := newLab(t, svc("web", "db"), svc("db"))
	l.lock("web", "alice")
	l.crash("db")
	l.slow = true
	l.ask(5, Restart, "db", "bob")
	b, err := json.Marshal(l.st)
	if err != nil {
		t.Fatal(err)
	}
	st := new(State)
	if err := json.Unmarshal(b, st); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(st)
	if string(b) != string(again) {
		t.Fatalf("read back differently:\n%s\n%s", b, again)
	}
	if NextDeadline(st) != NextDeadline(l.st) {
		t.Fatal("another deadline")
	}
	if err := broken(st); err != nil {
		t.Fatal(err)
	}
	l.st, l.slow = st, false
	l.send(l.gate(l.acts[0]))
	l.phase("db", Up, WantUp)
}

// TestFailedOrphanComesBack: a service failed while it was not in the config, which then has it again. A storm found it
// failed for ever, with a policy to restart it.
func TestFailedOrphanComesBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		holds []Hold
		want  Phase
	}{
		{"free", nil, Up},
		{"locked", []Hold{{Kind: HoldLock, ID: "x", By: "anna"}}, Down},
		{"restart limit", []Hold{{Kind: HoldRestartLimit, ID: "y"}}, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			gone := svc("db")
			gone.Policy = Never
			l := newLab(t, gone)
			l.send(Orphan{Service: "db"})
			s := l.st.Services["db"]
			l.fact["db"].running = false
			l.send(Exited{Service: "db", Gen: s.Gen, Exit: Exit{Known: true, Code: 1}})
			if s.Phase != Failed {
				t.Fatalf("phase %s, want failed", s.Phase)
			}
			l.fact["db"].holds = c.holds
			l.send(HoldsChanged{Service: "db", Holds: c.holds})
			l.send(Configure{Spec: svc("db"), PlanGen: 2})
			if s.Phase != c.want {
				t.Errorf("phase %s (%s), want %s", s.Phase, s.Why, c.want)
			}
		})
	}
}

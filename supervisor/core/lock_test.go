package core

import (
	"testing"
	"time"
)

func TestDependentsOfADownPrerequisiteAreShielded(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.lock("db", "alice")
	l.crash("db")
	l.take()
	l.crash("web")
	l.want("service.explained web")
	l.pass(time.Hour)
	l.want("")
	l.phase("web", Down, WantUp)
	l.release("db")
	l.want("service.released db", "start db auto", "service.starting db", "service.up db", "start web auto", "service.starting web", "service.up web")
	if l.st.Services["web"].Fails != 0 {
		t.Error("a failure that was explained still counts")
	}
}

func TestALockedServiceThatIsUpShieldsNothing(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.lock("db", "alice")
	l.take()
	l.crash("web")
	l.want("service.crashed web", "start web auto", "service.starting web", "service.up web")
}

func TestACrashingPrerequisiteLeavesDependentsRunning(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.take()
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
	l.phase("web", Up, WantUp)
}

func TestCheckRestartsOnlyWhatIsFreeAndUp(t *testing.T) {
	fail := CheckFailed{Service: "db", Gen: 1, Check: "http", OnFail: FailRestart, Reason: "503"}
	l := newLab(t, svc("db"))
	l.take()
	l.send(fail)
	l.want("check.failed db", "restart db auto", "service.starting db", "service.up db")
	l.send(fail)
	l.want("") // of the instance that is gone
	l.lock("db", "alice")
	fail.Gen = 2
	l.send(fail)
	l.pass(time.Second)
	l.want("check.failed db", "action.suppressed db")
	l.release("db")
	l.want("service.released db")
	l.pass(time.Hour)
	l.want("") // what failed under the lock is forgotten; a check that goes on failing says so again
}

func TestCheckRestartsAreSpacedLikeCrashes(t *testing.T) {
	sp := svc("db")
	sp.Backoff.Jitter = 0
	l := newLab(t, sp)
	for i, gen := range []uint64{1, 2} {
		l.take()
		l.send(CheckFailed{Service: "db", Gen: gen, Check: "http", OnFail: FailRestart, Reason: "503"})
		if i == 0 {
			continue
		}
		l.want("check.failed db")
		l.pass(100 * time.Millisecond)
		l.want("restart db auto", "service.starting db", "service.up db")
	}
}

func TestCheckOfADependentIsExplained(t *testing.T) {
	db := svc("db")
	db.Backoff.First = time.Minute
	l := newLab(t, db, svc("web", "db"))
	l.crash("db")
	l.take()
	l.send(CheckFailed{Service: "web", Gen: 1, Check: "http", OnFail: FailRestart, Reason: "503"})
	l.want("check.failed web")
	l.pass(30 * time.Second)
	l.want("")
}

func TestCheckThatHoldsLetsGoWhenItRecovers(t *testing.T) {
	l := newLab(t, svc("db"))
	l.send(CheckFailed{Service: "db", Gen: 1, Check: "raid", OnFail: FailHold, Reason: "degraded"})
	l.take()
	l.crash("db")
	l.want("service.crashed db", "action.suppressed db")
	l.send(CheckRecovered{Service: "db", Check: "raid"})
	l.want("check.recovered db", "start db auto", "service.starting db", "service.up db")
}

func TestInterlockKeepsItDownUntilItRecovers(t *testing.T) {
	l := newLab(t, svc("db"))
	l.send(Interlock{"db", "disk", true, "read-only"})
	l.take()
	l.crash("db")
	l.want("service.crashed db", "action.suppressed db")
	l.send(Interlock{Service: "db", Check: "disk"})
	l.want("service.interlock_off db", "start db auto", "service.starting db", "service.up db")
}

func TestUnreadableLockStateHoldsAndAlerts(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	for _, ev := range l.hold("db", Hold{Kind: HoldUnreadable, ID: "x.toml", Reason: "x.toml: garbage"}) {
		l.send(ev)
	}
	l.crash("db")
	l.want("service.unreadable db", "service.crashed db", "action.suppressed db")
}

func TestStartedUnderLockIsSaid(t *testing.T) {
	l := newLab(t, manual("db"))
	l.lock("db", "alice")
	l.take()
	f := l.fact["db"]
	f.running, f.gen, f.pid = true, Stranger|1, 77
	l.st.Services["db"].Want = WantUp // so that it is looked at
	l.send(Interlock{"db", "disk", true, ""})
	l.send(Interlock{Service: "db", Check: "disk"})
	l.release("db")
	l.want("service.interlocked db", "service.interlock_off db", "service.released db", "service.up db")
}

func TestSeenUpAgainEndsTheOperatorStop(t *testing.T) {
	l := newLab(t, svc("db"))
	l.exit("db", Exit{Signal: 15})
	l.take()
	f := l.fact["db"]
	f.running, f.gen, f.pid = true, Stranger|1, 77
	l.send(HoldsChanged{"db", nil}) // something makes it look
	l.want("service.up db", "clear db")
	l.phase("db", Up, WantUp)
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
}

func TestStopIsHeldInMemoryUntilItsFileIsSeen(t *testing.T) {
	l := newLab(t, svc("db"), manual("web", "db"))
	l.take()
	acts := Step(l.st, Exited{"db", 1, Exit{Known: true, Signal: 15}}, l.now)
	l.fact["db"].running = false
	if _, ok := acts[len(acts)-1].(AddHold); !ok {
		t.Fatalf("%v", acts)
	}
	l.ask(1, Start, "web", "bob") // before the file is written
	l.want(`reply 1: 4 cannot start "web": it needs "db", held by somebody unknown (was killed by SIGTERM)`)
}

// An observation that was made before a start cleared a hold must not bring the
// hold back (found by the simulation).
func TestOutdatedObservationSaysNothingOfHolds(t *testing.T) {
	l := newLab(t, svc("db"))
	l.exit("db", Exit{Signal: 15})
	old := Observed{Service: "db", PlanGen: 1, Epoch: "0", Holds: l.fact["db"].holds}
	Step(l.st, HoldsChanged{"db", nil}, l.now) // Observe is asked
	l.ask(1, Start, "db", "bob")
	l.take()
	l.crash("db")
	l.send(old)
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
}

// A release that comes while a late start is being stopped must not turn that
// stop into a deliberate one (found by the simulation).
func TestReleaseDuringTheStopOfALateStart(t *testing.T) {
	sp := svc("db")
	sp.Ready, sp.ReadyTimeout = ReadyRule{Mode: ReadyNotify}, 20*time.Second
	l := newLab(t, sp)
	l.slow = true
	l.pass(20 * time.Second)
	l.lock("db", "alice")
	l.fact["db"].holds = nil
	l.send(HoldsChanged{"db", nil})
	l.slow = false
	l.send(l.gate(l.acts[len(l.acts)-1]))
	l.phase("db", Starting, WantUp)
}

// Ready during a stop that is then refused still counts (found by the simulation).
func TestReadyDuringARefusedStop(t *testing.T) {
	sp := svc("db")
	sp.Ready = ReadyRule{Mode: ReadyNotify}
	l := newLab(t, sp)
	l.slow = true
	l.ask(1, Stop, "db", "bob")
	l.send(Ready{"db", 1})
	l.send(Result{Act: l.acts[0].ID, Service: "db", Outcome: ActSuppressed, Holds: []Hold{{Kind: HoldLock, ID: "1", By: "alice"}}})
	l.phase("db", Up, WantUp)
}

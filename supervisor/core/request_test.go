package core

import (
	"testing"
	"time"
)

func manual(name string, needs ...string) Spec {
	sp := svc(name, needs...)
	sp.Autostart = false
	return sp
}

func TestStartPullsPrerequisitesAndWaits(t *testing.T) {
	db := manual("db")
	db.Ready = ReadyRule{Mode: ReadyTime, Delay: time.Second}
	l := newLab(t, db, manual("web", "db"))
	l.ask(1, Start, "web", "bob")
	l.want(`progress 1: waiting for "db" to be ready`, "start db auto", "service.starting db")
	l.pass(time.Second)
	l.want("service.up db", "start web", "service.starting web", "service.up web", `reply 1: 0 "web" is up`)
	l.phase("db", Up, WantUp)
}

func TestStartNamesAHoldTwoStepsBelow(t *testing.T) {
	l := newLab(t, manual("disk"), manual("db", "disk"), manual("web", "db"))
	l.lock("disk", "alice")
	l.take()
	l.ask(1, Start, "web", "alice")
	l.want(`reply 1: 4 cannot start "web": it needs "disk", held by alice since 2023-11-14T22:13:20Z (vacuum)`)
}

func TestStartFailsWhenALockComesWhileItWaits(t *testing.T) {
	db := manual("db")
	db.Ready = ReadyRule{Mode: ReadyNotify}
	l := newLab(t, db, manual("web", "db"))
	l.ask(1, Start, "web", "bob")
	l.crash("db")
	l.take()
	l.lock("db", "alice")
	if got := l.take(); got != "" && got != `reply 1: 4 cannot start "web": it needs "db", held by alice since 2023-11-14T22:13:20Z (vacuum)` {
		t.Fatal(got)
	}
	l.phase("web", Down, WantDown)
}

func TestStartFailsWhenItsPrerequisiteFails(t *testing.T) {
	db := manual("db")
	db.Ready = ReadyRule{Mode: ReadyNotify}
	db.Backoff.First = time.Minute
	l := newLab(t, db, manual("web", "db"))
	l.ask(1, Start, "web", "bob")
	l.take()
	l.pass(time.Millisecond)
	l.crash("db")
	l.want("service.crashed db", `reply 1: 1 cannot start "web": it needs "db", which failed: was killed by SIGSEGV`)
}

func TestStartOfASelfOwnedLockPassesAndOthersAreTold(t *testing.T) {
	l := newLab(t, manual("db"))
	l.fact["db"].owner = "alice"
	l.lock("db", "alice")
	l.take()
	l.ask(1, Start, "db", "bob")
	l.want("start db", "action.suppressed db", `reply 1: 4 cannot start "db": held by alice since 2023-11-14T22:13:20Z (vacuum)`)
	l.phase("db", Down, WantDown)
	l.ask(2, Start, "db", "alice")
	l.want("start db", "service.starting db", "service.up db", `reply 2: 0 "db" is up`)
}

func TestStopNamesDependentsAndNeedsTheFlag(t *testing.T) {
	l := newLab(t, svc("db"), svc("api", "db"), svc("web", "api"))
	l.take()
	l.ask(1, Stop, "db", "bob")
	l.want(`reply 1: 5 cannot stop "db": running services need it: "api", "web"; --with-dependents stops them too`)
	l.send(Request{ID: 2, Service: "db", Verb: Stop, By: "bob", WithDependents: true})
	l.want(`progress 2: stopping "api", "web" first`, "stop web", "service.stopped web",
		`progress 2: stopping "api" first`, "stop api", "service.stopped api",
		"stop db", "service.stopped db", `reply 2: 0 "db" is stopped`)
	l.pass(time.Hour)
	l.want("")
	for _, n := range []string{"db", "api", "web"} {
		l.phase(n, Down, WantDown)
		if !hasKind(l.fact[n].holds, HoldOperatorStop) {
			t.Errorf("%s has no hold", n)
		}
	}
}

func TestStopWithDependentsFailsAtALockedOne(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.lock("web", "alice")
	l.take()
	l.send(Request{ID: 2, Service: "db", Verb: Stop, By: "bob", WithDependents: true})
	l.want(`progress 2: stopping "web" first`, "stop web", "action.suppressed web",
		`reply 2: 4 cannot stop "db": it must take down "web" first: cannot stop "web": held by alice since 2023-11-14T22:13:20Z (vacuum)`)
	l.phase("db", Up, WantUp)
}

func TestStopOfWhatIsDownWritesTheHold(t *testing.T) {
	l := newLab(t, manual("db"))
	l.ask(1, Stop, "db", "bob")
	l.want("stop db", "service.stopped db", `reply 1: 0 "db" is stopped`)
	if !hasKind(l.fact["db"].holds, HoldOperatorStop) {
		t.Fatal("no hold: it would be started after a reboot")
	}
}

func TestSameWishJoins(t *testing.T) {
	l := newLab(t, manual("db"))
	l.slow = true
	l.ask(1, Start, "db", "bob")
	l.ask(2, Start, "db", "bob")
	l.slow = false
	l.send(l.gate(l.acts[0]))
	l.want("start db", "service.starting db", "service.up db", `reply 1: 0 "db" is up`, `reply 2: 0 "db" is up`)
}

func TestContraryWishSupersedesWhatHasNotBegun(t *testing.T) {
	db := manual("db")
	db.Ready = ReadyRule{Mode: ReadyNotify}
	l := newLab(t, db, manual("web", "db"))
	l.ask(1, Start, "web", "bob")
	l.take()
	l.ask(2, Stop, "web", "carol")
	l.want(`reply 1: 1 start of "web" superseded: carol asked to stop it`, "stop web", "service.stopped web", `reply 2: 0 "web" is stopped`)
	l.send(Ready{"db", l.fact["db"].gen})
	l.want("service.up db")
	l.phase("web", Down, WantDown)
}

func TestRestartIsOneAct(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	l.ask(1, Restart, "db", "bob")
	l.want("restart db", "service.starting db", "service.up db", `reply 1: 0 "db" is up`)
	if l.st.Services["db"].Restarts != 0 {
		t.Error("an operator's restart counted as a repair")
	}
}

func TestReloadAndSignalNeedAProcess(t *testing.T) {
	l := newLab(t, manual("db"))
	l.ask(1, Reload, "db", "bob")
	l.want(`reply 1: 1 cannot reload "db": it does not run (down: not started yet)`)
	l.ask(2, Start, "db", "bob")
	l.take()
	l.ask(3, Signal, "db", "bob")
	l.want("signal db", "action.done db", `reply 3: 0 signal of "db" is done`)
	l.ask(4, "dance", "db", "bob")
	l.want(`reply 4: 2 cannot "dance" "db": no such verb`)
	l.ask(5, Start, "nobody", "bob")
	l.want(`reply 5: 3 no such service "nobody"`)
}

func TestInterlockRefusesWithoutItsOverride(t *testing.T) {
	l := newLab(t, manual("db"))
	l.send(Interlock{"db", "disk", true, "read-only"})
	l.take()
	l.ask(1, Start, "db", "bob")
	l.want(`reply 1: 4 cannot start "db": held by check "disk" (read-only); --override-interlock -m REASON does it all the same`)
	l.send(Request{ID: 2, Service: "db", Verb: Start, By: "bob", OverrideInterlock: true})
	l.want("start db", "service.starting db", "service.up db", `reply 2: 0 "db" is up`)
}

func TestCancelledRequestIsForgotten(t *testing.T) {
	db := manual("db")
	db.Ready = ReadyRule{Mode: ReadyNotify}
	l := newLab(t, db, manual("web", "db"))
	l.ask(1, Start, "web", "bob")
	l.send(CancelRequest{1})
	l.take()
	l.send(Ready{"db", l.fact["db"].gen})
	l.want("service.up db")
}

func TestStaleActIsTriedOnAFreshLook(t *testing.T) {
	l := newLab(t, manual("db"))
	l.slow = true
	l.ask(1, Start, "db", "bob")
	l.slow = false
	l.fact["db"].running, l.fact["db"].gen = true, Stranger|1
	l.send(Result{Act: l.acts[0].ID, Service: "db", Outcome: ActStale})
	l.want("start db", "progress 1: waiting: the state changed meanwhile", "service.up db", `reply 1: 0 "db" is up already`)
}

func TestBusyGateIsTriedAgainLater(t *testing.T) {
	l := newLab(t, manual("db"))
	l.slow = true
	l.ask(1, Start, "db", "bob")
	l.send(Result{Act: l.acts[0].ID, Service: "db", Outcome: ActBusy, Err: "a stop is in flight, pid 7"})
	l.slow = false
	l.want("start db", "progress 1: waiting: a stop is in flight, pid 7")
	l.pass(busyFirst)
	l.want("start db", "service.starting db", "service.up db", `reply 1: 0 "db" is up`)
}

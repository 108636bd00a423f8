package core

import (
	"testing"
	"time"
)

func TestAutostartInOrderOfDependencies(t *testing.T) {
	l := newLab(t, svc("web", "db"), svc("db"))
	l.want("start db auto", "service.starting db", "service.up db", "start web auto", "service.starting web", "service.up web")
	l.phase("web", Up, WantUp)
}

func TestCrashIsRestartedAtOnceThenWithBackoff(t *testing.T) {
	sp := svc("db")
	sp.Backoff.Jitter = 0
	l := newLab(t, sp)
	l.take()
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
	l.crash("db")
	l.want("service.crashed db")
	l.phase("db", Backoff, WantUp)
	if d := NextDeadline(l.st).Sub(l.now); d != 100*time.Millisecond {
		t.Fatalf("second attempt after %v", d)
	}
	l.pass(100 * time.Millisecond)
	l.want("start db auto", "service.starting db", "service.up db")
	l.crash("db")
	if d := NextDeadline(l.st).Sub(l.now); d != 200*time.Millisecond {
		t.Fatalf("third attempt after %v", d)
	}
	l.pass(2 * time.Minute) // up long enough
	l.take()
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
}

func TestDeliberateStopIsHeldAndStartClearsIt(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	l.exit("db", Exit{Signal: 15, Sender: "bob"})
	l.want("service.operator_stop db", "hold db operator-stop")
	l.phase("db", Down, WantDown)
	l.pass(time.Hour)
	l.want("")
	l.ask(1, Start, "db", "alice")
	l.want("start db", "service.starting db", "service.up db", `reply 1: 0 "db" is up`)
	l.crash("db")
	l.want("service.crashed db", "start db auto", "service.starting db", "service.up db")
}

func TestLockedServiceIsLeftDownAndLookedAtAfreshOnRelease(t *testing.T) {
	l := newLab(t, svc("db"))
	l.lock("db", "alice")
	l.take()
	l.crash("db")
	l.want("service.crashed db", "action.suppressed db")
	l.pass(time.Hour)
	l.want("")
	l.fact["db"].settle = l.now.Add(30 * time.Second)
	l.release("db")
	l.want("service.released db")
	l.pass(29 * time.Second)
	l.want("")
	l.pass(time.Second)
	l.want("start db auto", "service.starting db", "service.up db")
}

func TestStartNamesTheHoldOfItsPrerequisite(t *testing.T) {
	db := svc("db")
	db.Autostart = false
	web := svc("web", "db")
	web.Autostart = false
	l := newLab(t, db, web)
	l.lock("db", "alice")
	l.take()
	l.ask(7, Start, "web", "bob")
	l.want(`reply 7: 4 cannot start "web": it needs "db", held by alice since 2023-11-14T22:13:20Z (vacuum)`)
	l.phase("db", Down, WantDown)
}

func TestRestartIsRefusedWhenItsStartWouldBe(t *testing.T) {
	l := newLab(t, svc("db"), svc("web", "db"))
	l.lock("db", "alice")
	l.crash("db")
	l.take()
	l.ask(7, Restart, "web", "bob")
	l.want(`reply 7: 4 cannot restart "web": it needs "db", held by alice since 2023-11-14T22:13:20Z (vacuum)`)
	l.phase("web", Up, WantUp)
}

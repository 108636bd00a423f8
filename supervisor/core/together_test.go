package core

import (
	"testing"
	"time"
)

// stopped has somebody stop a service, and the core see the file of that.
func (l *lab) stopped(id uint64, name string) {
	l.ask(id, Stop, name, "bob")
	l.send(HoldsChanged{name, l.fact[name].holds})
}

// What one command names is one wish: the stop that it lifts of one service is not in the way of another.
func TestStartOfSeveralLiftsTheirStopsTogether(t *testing.T) {
	db := svc("db")
	db.Ready = ReadyRule{Mode: ReadyTime, Delay: time.Second}
	l := newLab(t, db, svc("api", "db"), svc("web", "api"))
	l.pass(time.Second)
	for i, name := range []string{"web", "api", "db"} {
		l.stopped(uint64(i+1), name)
	}
	l.take()
	l.ask(11, Start, "db", "bob")
	l.ask(12, Start, "web", "bob") // api is stopped and asked for by nobody
	if got, want := l.take(), "start db\nservice.starting db\n"+
		`reply 12: 4 cannot start "web": it needs "api", held by bob`; got != want {
		t.Fatalf("got:\n%s", got)
	}
	l.pass(time.Second)
	l.take()
	l.stopped(21, "db")
	l.take()
	for i, name := range []string{"db", "api", "web"} {
		l.ask(uint64(31+i), Start, name, "bob")
	}
	l.want("start db", "service.starting db", `progress 32: waiting for "db" to be ready`, `progress 33: waiting for "api" to be ready`)
	l.pass(time.Second)
	l.want("service.up db", `reply 31: 0 "db" is up`, "start api", "service.starting api", "service.up api",
		`reply 32: 0 "api" is up`, "start web", "service.starting web", "service.up web", `reply 33: 0 "web" is up`)
}

// What it waits for is refused: so is the start itself, at once.
func TestStartOfSeveralFailsWithItsPrerequisite(t *testing.T) {
	l := newLab(t, manual("db"), manual("web", "db"))
	l.lock("db", "alice")
	l.take()
	l.slow = true
	l.ask(1, Start, "db", "bob")
	l.ask(2, Start, "web", "bob")
	l.want("start db", `progress 2: waiting for "db" to be ready`)
	l.slow = false
	l.send(l.gate(l.acts[0]))
	const held = "held by alice since 2023-11-14T22:13:20Z (vacuum)"
	l.want("action.suppressed db", `reply 1: 4 cannot start "db": `+held, `reply 2: 4 cannot start "web": it needs "db", `+held)

	l.send(Interlock{"db", "disk", true, "read-only"})
	l.take()
	l.ask(3, Start, "db", "bob")
	l.ask(4, Start, "web", "bob")
	if l.st.Requests[4] != nil {
		t.Error("it waits for what was refused")
	}
}

// Whoever waits for a start that is cancelled does not wait for ever.
func TestStartOfSeveralIsCancelled(t *testing.T) {
	l := newLab(t, manual("disk"), manual("db", "disk"), manual("web", "db"))
	l.stopped(1, "db")
	l.slow = true
	l.take()
	l.ask(2, Start, "db", "bob") // waits for disk
	l.ask(3, Start, "web", "bob")
	l.take()
	l.send(CancelRequest{2})
	l.want(`reply 3: 4 cannot start "web": it needs "db", held by bob`)
}

// Dependents that the same command stops are no reason to refuse.
func TestStopOfSeveralNeedsNoFlag(t *testing.T) {
	l := newLab(t, svc("db"), svc("api", "db"), svc("web", "db"))
	l.slow = true
	l.take()
	l.ask(1, Stop, "web", "bob")
	l.ask(2, Stop, "api", "bob")
	l.ask(3, Stop, "db", "bob")
	l.want("stop web", "stop api", `progress 3: waiting for "api", "web" to be stopped`)
	l.slow = false
	l.send(l.gate(l.acts[1]))
	l.take()
	l.send(l.gate(l.acts[0]))
	l.want("service.stopped web", `reply 1: 0 "web" is stopped`, "stop db", "service.stopped db", `reply 3: 0 "db" is stopped`)
}

// One of them is locked: what it needs stays up.
func TestStopOfSeveralWithALockedOne(t *testing.T) {
	l := newLab(t, svc("db"), svc("api", "db"))
	l.lock("api", "alice")
	l.slow = true
	l.take()
	l.ask(1, Stop, "api", "bob")
	l.ask(2, Stop, "db", "bob")
	l.slow = false
	l.send(l.gate(l.acts[0]))
	l.want("stop api", `progress 2: waiting for "api" to be stopped`, "action.suppressed api",
		`reply 1: 4 cannot stop "api": held by alice since 2023-11-14T22:13:20Z (vacuum)`,
		`reply 2: 5 cannot stop "db": running services need it: "api"; --with-dependents stops them too`)
	l.phase("db", Up, WantUp)
}

// A prerequisite that is restarted by the same command is back before its dependents are restarted.
func TestRestartOfSeveralInTheirOrder(t *testing.T) {
	db := svc("db")
	db.Ready = ReadyRule{Mode: ReadyTime, Delay: time.Second}
	l := newLab(t, db, svc("web", "db"))
	l.pass(time.Second)
	l.take()
	l.ask(1, Restart, "db", "bob")
	l.ask(2, Restart, "web", "bob")
	l.want("restart db", "service.starting db", `progress 2: waiting for "db" to be ready`)
	l.pass(time.Second)
	l.want("service.up db", `reply 1: 0 "db" is up`, "restart web", "service.starting web", "service.up web", `reply 2: 0 "web" is up`)
}

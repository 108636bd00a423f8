package core

import (
	"testing"
	"time"
)

const watchEvery = 10 * time.Second

// watched is db with a watchdog, up and alive.
func watched(t *testing.T, specs ...Spec) *lab {
	t.Helper()
	if specs == nil {
		specs = []Spec{svc("db")}
	}
	l := &lab{t: t, st: New(1, false), now: 1_000_000_000, fact: map[string]*fact{}}
	for _, sp := range specs {
		l.fact[sp.Name] = &fact{}
	}
	l.fact["db"].watchdog = watchEvery
	for _, sp := range specs {
		l.send(Configure{Spec: sp, PlanGen: 1})
	}
	l.take()
	return l
}

// beats has the service give signs of life for d.
func (l *lab) beats(d time.Duration) {
	l.t.Helper()
	for end := l.now.Add(d); l.now < end; {
		l.fact["db"].beat = l.now
		l.pass(time.Second)
	}
}

func TestWatchdogMissedIsACrash(t *testing.T) {
	l := watched(t)
	l.beats(time.Minute)
	l.want()
	l.pass(watchEvery - 2*time.Second)
	l.want() // not yet
	l.pass(2 * time.Second)
	l.want("service.watchdog db", "stop db auto", "service.stopped db", "start db auto", "service.starting db", "service.up db")
	l.phase("db", Up, WantUp)
	if s := l.st.Services["db"]; s.Fails != 1 || s.Restarts != 1 {
		t.Errorf("fails %d, restarts %d", s.Fails, s.Restarts)
	}
}

func TestWatchdogUnderALock(t *testing.T) {
	l := watched(t)
	l.lock("db", "alice")
	l.take()
	l.pass(10 * watchEvery)
	l.want("service.watchdog db", "action.suppressed db")
	l.phase("db", Up, WantUp)
	// Released, it gets its time again, and only then it counts.
	l.release("db")
	l.take()
	l.pass(watchEvery - time.Second)
	l.want()
	l.pass(time.Second)
	if got := l.take(); got[:len("service.watchdog db")] != "service.watchdog db" {
		t.Error(got)
	}
}

// It hung under the lock and came to itself again: nothing is done after the release.
func TestWatchdogLivesAgain(t *testing.T) {
	l := watched(t)
	l.lock("db", "alice")
	l.pass(2 * watchEvery)
	l.beats(2 * watchEvery)
	l.release("db")
	l.take()
	l.beats(time.Minute)
	l.want()
}

func TestWatchdogTrigger(t *testing.T) {
	l := watched(t)
	l.send(Heartbeat{Service: "db", Gen: 1, Failed: true})
	l.want("service.watchdog db", "stop db auto", "service.stopped db", "start db auto", "service.starting db", "service.up db")
}

func TestWatchdogChangesItsLength(t *testing.T) {
	l := watched(t)
	l.fact["db"].watchdog = 0
	l.send(Heartbeat{Service: "db", Gen: 1, At: l.now})
	l.pass(time.Hour)
	l.want()
	l.fact["db"].watchdog = time.Second
	l.fact["db"].beat = l.now
	l.send(Heartbeat{Service: "db", Gen: 1, At: l.now, Every: time.Second})
	l.pass(time.Second)
	if got := l.take(); got == "" {
		t.Error("the shorter watchdog was not kept")
	}
}

// What it needs is down: that explains why it hangs.
func TestWatchdogExplained(t *testing.T) {
	l := watched(t, svc("net"), svc("db", "net"))
	l.lock("net", "alice")
	l.crash("net")
	l.take()
	l.pass(watchEvery)
	l.want("service.watchdog db")
	l.phase("db", Up, WantUp)
}

// An instance that supd adopts is given its whole time.
func TestWatchdogOfAnAdoptedInstance(t *testing.T) {
	l := &lab{t: t, st: New(1, false), now: 1_000_000_000, fact: map[string]*fact{"db": {running: true, gen: 3, watchdog: watchEvery}}}
	l.send(Configure{Spec: svc("db"), PlanGen: 1})
	l.take()
	l.pass(watchEvery - time.Second)
	l.want()
	l.pass(time.Second)
	if got := l.take(); got == "" {
		t.Error("its watchdog is not kept")
	}
}

func TestExtendedStart(t *testing.T) {
	sp := svc("db")
	sp.Ready, sp.ReadyTimeout = ReadyRule{Mode: ReadyNotify}, 20*time.Second
	l := newLab(t, sp)
	l.take()
	l.pass(15 * time.Second)
	l.send(Extend{"db", 1, 10 * time.Second})
	l.pass(9 * time.Second)
	l.want()
	l.pass(time.Second)
	if got := l.take(); got == "" {
		t.Error("it is waited for without end")
	}
	// It only ever gives more time.
	l.send(Extend{"db", l.fact["db"].gen, time.Second})
	l.take()
	l.pass(10 * time.Second)
	l.want()
}

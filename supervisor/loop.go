package supervisor

import (
	"context"
	"time"

	"github.com/supd/supd/supervisor/core"
	"golang.org/x/sys/unix"
)

// inboxMax bounds what may wait for the loop. Senders are workers and wait for room; the loop itself never sends.
const inboxMax = 4096

// message is one thing for the loop: an event for the core, or a question that needs the core's state.
type message struct {
	event core.Event
	ask   func(*core.State)
}

// now is the core's clock: CLOCK_BOOTTIME, which no clock change touches and which goes on during suspend.
func now() core.Instant {
	var ts unix.Timespec
	// The only possible error is an unknown clock, and Linux has had this one since 2.6.39 (clock_gettime(2)).
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return core.Instant(ts.Nano())
}

// loop owns the core until ctx ends or the core says Quit. It returns once no event will be handled any more.
func (s *Supervisor) loop(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for !s.quit {
		if at := core.NextDeadline(s.core); at == 0 {
			timer.Stop()
		} else {
			timer.Reset(max(at.Sub(now()), 0))
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			s.step(core.Tick{})
			s.bell.ring()
		case m := <-s.inbox:
			if m.ask != nil {
				m.ask(s.core)
			} else {
				s.step(m.event)
				s.bell.ring()
			}
		}
	}
}

// step gives one event to the core and starts what it decided. Called by the loop only.
func (s *Supervisor) step(ev core.Event) {
	switch ev := ev.(type) {
	case core.Interlock:
		s.memory.interlock(ev.Service, ev.Check, ev.On, ev.Reason)
	case core.Observed:
		s.checks.held(ev.Service, ev.Holds)
		s.checks.epoch(ev.Service, ev.Epoch)
		s.lookedAt(ev.Service)
		s.lookAgain(ev.Service, ev.Holds)
		s.configDue(ev.Service)
		if ev.Clean {
			s.limitsDue(ev.Service)
		}
	case core.HoldsChanged:
		s.checks.held(ev.Service, ev.Holds)
		s.configDue(ev.Service)
		if len(ev.Holds) == 0 {
			s.limitsDue(ev.Service)
		}
		s.lookAgain(ev.Service, ev.Holds)
	case core.Result:
		s.configDue(ev.Service)
		s.lookAgain(ev.Service, ev.Holds)
	}
	for _, a := range looksFirst(core.Step(s.core, ev, now())) {
		switch a := a.(type) {
		case core.Observe:
			s.lanes.run(func(ln *lane) { s.send(s.observe(a.Service, ln)) })
		case core.Act:
			s.acting.Add(1)
			actor := s.requests.actor(a.Requests)
			s.lanes.run(func(ln *lane) {
				defer s.acting.Done()
				s.send(s.perform(a, actor, ln))
			})
		case core.AddHold:
			s.memory.add(a.Service, a.Hold)
			s.acting.Add(1)
			saved := s.holdBegins(a.Service)
			go func() {
				defer s.acting.Done()
				defer close(saved)
				s.addHold(a)
				s.closeHeld(a.Service)
			}()
		case core.ClearHolds:
			go s.clearHolds(a.Service)
		case core.Pulse:
			s.step(s.heartbeat(a.Service))
		case core.Emit:
			s.emit(a)
		case core.Reply:
			s.requests.reply(a)
		case core.Quit:
			s.quit = true
		}
	}
	if c, ok := ev.(core.CancelRequest); ok {
		s.requests.drop(c.ID)
	}
}

// looksFirst lets looks overtake what is only told and recorded: the start of a service that crashed need not wait for the
// log. They overtake nothing else; in particular no hold.
func looksFirst(actions []core.Action) []core.Action {
	for i, a := range actions {
		if _, ok := a.(core.Observe); !ok {
			continue
		}
		for ; i > 0; i-- {
			if _, told := actions[i-1].(core.Emit); !told {
				break
			}
			actions[i], actions[i-1] = actions[i-1], actions[i]
		}
	}
	return actions
}

// send hands an event to the loop; it waits for room and gives up when the loop has ended.
func (s *Supervisor) send(ev core.Event) {
	select {
	case s.inbox <- message{event: ev}:
	case <-s.done:
	}
}

// ask runs f in the loop, where the core's state may be read, and returns when it has run. False: the loop has ended
// or ctx has. f must not block.
func (s *Supervisor) ask(ctx context.Context, f func(*core.State)) bool {
	ran := make(chan struct{})
	m := message{ask: func(st *core.State) { f(st); close(ran) }}
	select {
	case s.inbox <- m:
	case <-s.done:
		return false
	case <-ctx.Done():
		return false
	}
	select {
	case <-ran:
		return true
	case <-s.done:
		// Both can be: what f does may end the loop.
		select {
		case <-ran:
			return true
		default:
			return false
		}
	}
}

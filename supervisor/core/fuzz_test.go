package core

import (
	"encoding/json"
	"testing"
	"time"
)

// script reads events from bytes: every byte string is some story, also one that
// no shell would tell.
type script struct {
	b  []byte
	st *State
}

func (s *script) next(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	v := int(s.b[0]) % n
	s.b = s.b[1:]
	return v
}

func (s *script) yes() bool { return s.next(2) == 1 }

func (s *script) name() string { return [...]string{"a", "b", "c", "nobody", ""}[s.next(5)] }

// gen is mostly that of the instance there is or is being made.
func (s *script) gen(name string) uint64 {
	svc := s.st.Services[name]
	if svc == nil || s.next(4) == 0 {
		return uint64(s.next(5))
	}
	if svc.Act != nil && s.yes() {
		return svc.Act.Act.Gen
	}
	return svc.Gen
}

func (s *script) holds() []Hold {
	kinds := [...]HoldKind{"", "", HoldLock, HoldOperatorStop, HoldRestartLimit, HoldUnreadable, HoldLock}
	if k := kinds[s.next(len(kinds))]; k != "" {
		return []Hold{{Kind: k, ID: string(rune('1' + s.next(3))), By: "alice"}}
	}
	return nil
}

func (s *script) spec() Spec {
	sp := Spec{Name: s.name(), Autostart: s.yes(), Stateful: s.yes(), Oneshot: s.yes(), Observe: s.next(8) == 7}
	for range s.next(3) {
		sp.DependsOn = append(sp.DependsOn, s.name()) // circles and missing ones too
	}
	sp.Policy = [...]Policy{"", OnFailure, Always, Never}[s.next(4)]
	sp.Ready = ReadyRule{Mode: [...]ReadyMode{ReadyTime, ReadyNotify}[s.next(2)], Delay: time.Duration(s.next(3)) * time.Second}
	sp.ReadyTimeout = time.Duration(s.next(3)) * time.Second
	sp.Limit = LimitRule{N: s.next(4), Per: time.Minute}
	sp.Backoff = BackoffRule{Jitter: float64(s.next(3)), Factor: float64(s.next(3)), First: time.Duration(s.next(2)) * time.Second}
	return sp
}

func (s *script) event() Event {
	switch n := s.name(); s.next(20) {
	case 0:
		return Configure{s.spec(), uint64(s.next(3))}
	case 1:
		return Orphan{n}
	case 2:
		return Forget{n}
	case 3, 4, 5:
		h := s.holds()
		return Observed{Service: n, PlanGen: 1, Epoch: string(rune('0' + s.next(3))), SettleUntil: Instant(s.next(3)) * 1e9, Clean: len(h) == 0 && s.next(8) > 0,
			Holds: h, Running: s.yes(), Gen: s.gen(n), DiedUnseen: s.yes(), Completed: s.yes()}
	case 6:
		return Exited{n, s.gen(n), Exit{Known: s.yes(), Code: s.next(200), Signal: [...]int{0, 9, 15, 11}[s.next(4)], BySupd: s.yes()}}
	case 7:
		return Ready{n, s.gen(n)}
	case 8:
		on := [...]OnFail{FailAlert, FailRestart, FailStop, FailHold, FailExec, "", FailReload}
		return CheckFailed{n, s.gen(n), string(rune('x' + s.next(2))), on[s.next(len(on))], "why"}
	case 9:
		return CheckRecovered{Service: n, Check: string(rune('x' + s.next(2)))}
	case 10:
		return Interlock{n, "disk", s.yes(), "why"}
	case 11, 12:
		v := [...]Verb{Start, Stop, Restart, Reload, Signal, Exec, "dance"}
		return Request{ID: uint64(s.next(6)), Service: n, Verb: v[s.next(len(v))], By: "bob", WithDependents: s.yes(), OverrideInterlock: s.yes()}
	case 13:
		return CancelRequest{uint64(s.next(6))}
	case 14, 15:
		r := Result{Service: n, Outcome: Outcome(s.next(int(outcomes) + 1)), Gen: s.gen(n), Holds: s.holds()}
		if svc := s.st.Services[n]; svc != nil && svc.Act != nil {
			r.Act = svc.Act.Act.ID
		}
		return r
	case 16:
		return HoldsChanged{n, s.holds()}
	case 18:
		return Heartbeat{Service: n, Gen: s.gen(n), At: Instant(s.next(9)) * 1e9, Every: time.Duration(s.next(3)) * time.Second, Failed: s.yes()}
	case 19:
		return Extend{n, s.gen(n), time.Duration(s.next(9)) * time.Second}
	case 17:
		return Due{n}
	}
	if s.next(20) == 19 {
		return Shutdown{s.yes()}
	}
	return Tick{}
}

// FuzzStep: no story makes the core panic, breaks its state, has it act by itself
// without or against an observation, or leaves a deadline that a Tick does not clear.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 1, 1, 1, 0, 14, 0})
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz0123456789"))
	f.Fuzz(func(t *testing.T, b []byte) {
		st := New(1, false)
		s := &script{b: b, st: st}
		now := Instant(1e9)
		for len(s.b) > 0 {
			ev := s.event()
			now = now.Add(time.Duration(s.next(4)) * 300 * time.Millisecond)
			for _, a := range Step(st, ev, now) {
				act, ok := a.(Act)
				if !ok || !act.Automatic {
					continue
				}
				if ob, ok := ev.(Observed); !ok || ob.Service != act.Service || !ob.Clean || len(ob.Holds) > 0 {
					t.Fatalf("%+v out of %+v", act, ev)
				}
			}
			if err := broken(st); err != nil {
				t.Fatalf("after %T %+v: %v", ev, ev, err)
			}
			Step(st, Tick{}, now)
			if at := NextDeadline(st); at != 0 && at <= now {
				t.Fatalf("deadline %d is still due at %d after a Tick", at, now)
			}
		}
		Explain(st, "a", now)
		if _, err := json.Marshal(st); err != nil {
			t.Fatal(err)
		}
	})
}

package core

import (
	"fmt"
	"testing"
	"time"
)

// bank is a state with n services that are up, one in ten behind another.
func bank(n int) *State {
	st := New(1, false)
	for i := range n {
		sp := svc(fmt.Sprintf("s%05d", i))
		if i%10 == 9 {
			sp.DependsOn = []string{fmt.Sprintf("s%05d", i-1)}
		}
		Step(st, Configure{Spec: sp, PlanGen: 1}, 1)
		Step(st, Observed{Service: sp.Name, PlanGen: 1, Clean: true, Running: true, Gen: 1, PID: 1}, 1)
	}
	return st
}

// BenchmarkCrashToStart is all that the core does between the exit of a process
// and the start of the next one, and after it, among 5,000 services.
func BenchmarkCrashToStart(b *testing.B) {
	const n = 5000
	st, now := bank(n), Instant(1)
	names := st.names()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := names[i%n]
		now = now.Add(2 * time.Minute) // so that each crash is a first one
		s := st.Services[name]
		Step(st, Exited{name, s.Gen, Exit{Known: true, Signal: 9}}, now)
		acts := Step(st, Observed{Service: name, PlanGen: 1, Clean: true, Gen: s.LastGen}, now)
		act, ok := acts[len(acts)-1].(Act)
		if !ok {
			b.Fatalf("%v", acts)
		}
		Step(st, Result{Act: act.ID, Service: name, Gen: act.Gen, PID: 2}, now)
	}
}

// BenchmarkMassCrash is the same for all 5,000 at once, each in back-off, with
// the timers in the heap.
func BenchmarkMassCrash(b *testing.B) {
	const n = 5000
	for b.Loop() {
		b.StopTimer()
		st, now := bank(n), Instant(1)
		names := st.names()
		for _, name := range names {
			st.Services[name].Fails = 3
		}
		b.StartTimer()
		for _, name := range names {
			Step(st, Exited{name, 1, Exit{Known: true, Signal: 9}}, now)
		}
		for at := NextDeadline(st); at != 0; at = NextDeadline(st) {
			Step(st, Tick{}, at)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/service")
}

// BenchmarkNextDeadline is what the loop asks after every event.
func BenchmarkNextDeadline(b *testing.B) {
	st := bank(5000)
	b.ReportAllocs()
	for b.Loop() {
		NextDeadline(st)
	}
}

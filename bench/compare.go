package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// reached is what a subject reached with n services: of several rounds, the medians.
type reached struct {
	name             string
	crash50, crash90 time.Duration // SIGKILL of one service to its successor's main
	mass             time.Duration // SIGKILL of all to the last successor's main
	cold             time.Duration // start of the supervisor, which has run before, to the last service's main
	pss              int64         // bytes, all processes of the supervisor
	processes        int
	cpu              float64 // seconds in an idle minute
	wakes            float64 // in an idle minute
}

const (
	crashesMax = 100 // services killed one by one
	crashesMin = 10  // also by those that take seconds
	crashesFor = 10 * time.Second
	settleFor  = 1500 * time.Millisecond // after which every subject takes a service that lives for started
)

// compare measures the floor, supd, and the peers that are here, in turns.
func compare(s *settings, n int) ([]reached, error) {
	var all []reached
	for _, p := range append([]subject{bare, own}, peers...) {
		if !p.installed() || p.most > 0 && n > p.most || s.peers != "" && p.program != "" && !slices.Contains(strings.Split(s.peers, ","), p.program) {
			continue
		}
		var rounds []reached
		for i := range s.rounds {
			fmt.Fprintf(os.Stderr, "measuring %s, %d services, round %d\n", p.name, n, i+1)
			r, err := measureOne(s, p, n, i == 0)
			if err != nil {
				return all, fmt.Errorf("%s, %d services: %w", p.name, n, err)
			}
			rounds = append(rounds, r)
		}
		all = append(all, medians(p.name, rounds))
	}
	return all, nil
}

// measureOne starts a subject twice: where it has never run, to kill services one by one; and where it has, all at once.
// Idleness, and the memory that is left then, take long, and are watched once.
func measureOne(s *settings, p subject, n int, idle bool) (reached, error) {
	var f reached
	r, err := prepare(s, p, n)
	if err != nil {
		return f, err
	}
	living, err := r.settled(n)
	if err != nil {
		return f, err
	}
	own := r.own()
	f.processes = len(own)
	if idle {
		f.cpu, f.wakes = idleMinute(own, s.idle)
		for _, pid := range own {
			f.pss += pss(pid)
		}
	}
	var took []time.Duration
	for i, began := 0, time.Now(); i < min(n, crashesMax) && (i < crashesMin || time.Since(began) < crashesFor); i++ {
		t, err := killOne(living[fmt.Sprintf("s%d", i)], r.births)
		if err != nil {
			return f, err
		}
		took = append(took, t)
	}
	one := spreadOf(took)
	f.crash50, f.crash90 = one.at(.5), one.at(.9)
	if err := r.end(); err != nil {
		return f, err
	}
	if living, err = r.settled(n); err != nil {
		return f, err
	}
	f.cold = lastOf(living, r.began)
	at := monotonic()
	for _, b := range living {
		if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
			return f, err
		}
	}
	back, err := r.births.take(n)
	if err != nil {
		return f, err
	}
	f.mass = lastOf(back, at)
	if err := r.end(); err != nil {
		return f, err
	}
	return f, r.close()
}

// settled starts the subject and waits until all of its services have been alive for a while.
func (r *running) settled(n int) (map[string]birth, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	living, err := r.births.take(n)
	if err != nil {
		return nil, err
	}
	time.Sleep(settleFor)
	return living, nil
}

// killOne kills a service and waits for its successor.
func killOne(b birth, all *births) (time.Duration, error) {
	at := monotonic()
	if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
		return 0, err
	}
	next, err := all.next()
	if err != nil {
		return 0, err
	}
	if next.name != b.name {
		return 0, fmt.Errorf("killed %s, and %s came up", b.name, next.name)
	}
	return time.Duration(next.at - at), nil
}

func lastOf(bs map[string]birth, from int64) time.Duration {
	last := from
	for _, b := range bs {
		last = max(last, b.at)
	}
	return time.Duration(last - from)
}

func medians(name string, rounds []reached) reached {
	return reached{
		name:    name,
		crash50: median(rounds, func(r reached) time.Duration { return r.crash50 }), crash90: median(rounds, func(r reached) time.Duration { return r.crash90 }),
		mass: median(rounds, func(r reached) time.Duration { return r.mass }), cold: median(rounds, func(r reached) time.Duration { return r.cold }),
		pss: rounds[0].pss, processes: median(rounds, func(r reached) int { return r.processes }),
		cpu: rounds[0].cpu, wakes: rounds[0].wakes,
	}
}

func median[T int | time.Duration](rounds []reached, of func(reached) T) T {
	var vs []T
	for _, r := range rounds {
		vs = append(vs, of(r))
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

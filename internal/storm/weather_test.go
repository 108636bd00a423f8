package storm

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stopMax is how long supd is stopped by SIGSTOP; supctl waits for two seconds before it does without.
const stopMax = 3 * time.Second

// stutterMax is how long it is stopped in a stutter: time enough to lock without it, between what it saw and what it does.
const stutterMax = 40 * time.Millisecond

// What kills a program of supd's at a random moment.
const killLater, killAtOnce, stopAndKill, killHelper = "kill", "kill, at once again", "stop and kill", "kill a helper"

var killings = [...]string{killLater, killAtOnce, stopAndKill, killHelper}

// weather is what happens to supd, one thing after the other, until ctx ends. It leaves supd running.
func (w *world) weather(ctx context.Context, rng *rand.Rand) {
	some := func(most time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(most))) }
	var v variant
	for pause(ctx, 50*time.Millisecond+some(2*time.Second)) {
		switch n := rng.IntN(100); {
		case n < 25:
			w.disturb(killLater, func() {
				w.d.end(syscall.SIGKILL)
				pause(ctx, some(time.Second))
				w.restart()
			})
		case n < 32:
			w.disturb(killAtOnce, func() { w.d.end(syscall.SIGKILL); w.restart() })
		case n < 45:
			w.disturb("stop and continue", func() {
				w.d.signal(syscall.SIGSTOP)
				pause(ctx, some(stopMax))
				w.d.signal(syscall.SIGCONT)
			})
		case n < 50:
			w.disturb(stopAndKill, func() {
				w.d.signal(syscall.SIGSTOP)
				pause(ctx, some(stopMax))
				w.d.end(syscall.SIGKILL)
				w.restart()
			})
		case n < 55:
			w.disturb("end", func() {
				w.d.end(syscall.SIGTERM)
				pause(ctx, some(time.Second))
				w.restart()
			})
		case n < 72:
			w.disturb("stutter", func() {
				for range 20 {
					w.d.signal(syscall.SIGSTOP)
					pause(ctx, some(stutterMax))
					w.d.signal(syscall.SIGCONT)
					pause(ctx, some(stutterMax/2))
				}
			})
		case n < 79:
			w.disturb("upgrade", func() { w.d.signal(syscall.SIGUSR2); pause(ctx, some(500*time.Millisecond)) })
		case n < 88:
			v = variant{gone: rng.IntN(4) == 0, other: rng.IntN(3) == 0, grouped: rng.IntN(groupings), policy: rng.IntN(policies)}
			w.configure(v)
		default:
			w.helperKilled(ctx, some(2*time.Second))
		}
	}
}

// disturb records that for a while supd is not as it should be.
func (w *world) disturb(what string, do func()) {
	w.trace("weather: %s", what)
	c := w.facts.begin(&call{verb: doDisturb, person: nobody})
	do()
	w.facts.end(c, func(c *call) { c.sure = true })
	w.stats.count(what, ending{})
}

func (w *world) restart() {
	if err := w.d.start(); err != nil {
		w.facts.violated(violation{now(), "BROKEN", "cannot start supd: " + err.Error()})
	}
}

// configure changes the config and has it read again.
func (w *world) configure(v variant) {
	w.trace("weather: config %+v", v)
	c := w.facts.begin(&call{verb: doConfigure, person: nobody, labels: []string{wanderer}})
	if err := v.write(w.dir); err != nil {
		w.facts.violated(violation{now(), "BROKEN", err.Error()})
	}
	w.d.signal(syscall.SIGHUP)
	w.facts.end(c, func(*call) {})
	w.stats.count("reload", ending{})
}

// helperKilled waits for a helper at work and kills it.
func (w *world) helperKilled(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		if pids := w.d.helpers(); len(pids) > 0 {
			c := w.facts.begin(&call{verb: doDisturb, person: nobody})
			w.trace("weather: kill helper %d", pids[0])
			syscall.Kill(pids[0], syscall.SIGKILL)
			w.facts.end(c, func(c *call) { c.sure = true })
			w.stats.count(killHelper, ending{})
			return
		}
		if !pause(ctx, 5*time.Millisecond) {
			return
		}
	}
}

// hunt is what happens to services.
func (w *world) hunt(ctx context.Context, rng *rand.Rand) {
	flag := filepath.Join(w.dir, "flag")
	for pause(ctx, time.Duration(rng.Int64N(int64(600*time.Millisecond)))) {
		if rng.IntN(8) == 0 {
			if os.Remove(flag) != nil {
				os.WriteFile(flag, nil, 0o644)
			}
		}
		prey := w.reg.living(func(note) bool { return true })
		if len(prey) == 0 {
			continue
		}
		sig := []syscall.Signal{syscall.SIGTERM, syscall.SIGSEGV, syscall.SIGKILL}[min(2, rng.IntN(12))]
		n := prey[rng.IntN(len(prey))]
		w.trace("hunter: %s to %s pid %d", sig, n.Name, n.PID)
		w.reg.shoot(n, sig)
		w.stats.count("service "+sig.String(), ending{})
	}
	os.Remove(flag)
}

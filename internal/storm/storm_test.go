package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// stormFor is how long a storm blows unless STORM_FOR says otherwise.
	stormFor = 60 * time.Second
	// judgeEvery is how often the judge looks meanwhile, so that a long storm ends soon after its first violation.
	judgeEvery = 20 * time.Second
	// persons share one service each now and then, and --all sometimes.
	persons = 4
	// recovery bounds everything that must come back after the storm: the longest back-off and stop, many times over.
	recovery = 60 * time.Second
)

func TestStorm(t *testing.T) {
	length, rounds, seed := settings(t)
	t.Logf("seed %d, %s (STORM_SEED=%d makes the same choices again)", seed, length, seed)
	w := newWorld(t)
	crew := w.people(persons, seed)
	w.waitAnswers()

	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	w.blow(ctx, cancel, crew, seed, rounds)
	w.report(w.verdict(), seed)
	w.afterwards(crew)
	w.report(w.verdict(), seed)
	w.summary(seed)
}

// settings: the storm ends after a length of time, or after so many rounds (0: any number).
func settings(t *testing.T) (length time.Duration, rounds int64, seed uint64) {
	t.Helper()
	length, seed = stormFor, uint64(time.Now().UnixNano())
	if testing.Short() {
		length = 10 * time.Second
	}
	var err error
	if text := os.Getenv("STORM_FOR"); text != "" {
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("STORM_FOR: %v", err)
		}
	}
	if text := os.Getenv("STORM_ROUNDS"); text != "" {
		if rounds, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Fatalf("STORM_ROUNDS: %v", err)
		}
	}
	if text := os.Getenv("STORM_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("STORM_SEED: %v", err)
		}
	}
	return length, rounds, seed
}

// blow is the storm itself. It ends with ctx, after the rounds, or soon after the first violation.
func (w *world) blow(ctx context.Context, cancel func(), crew []*somebody, seed uint64, rounds int64) {
	var all sync.WaitGroup
	run := func(f func()) { all.Add(1); go func() { defer all.Done(); f() }() }
	run(func() { w.weather(ctx, rand.New(rand.NewPCG(seed, 1))) })
	run(func() { w.hunt(ctx, rand.New(rand.NewPCG(seed, 2))) })
	for _, p := range crew {
		run(func() { p.live(ctx) })
	}
	run(func() {
		for pause(ctx, judgeEvery) {
			if len(w.verdict()) > 0 || rounds > 0 && w.stats.rounds() >= rounds {
				cancel()
			}
		}
	})
	all.Wait()
	close(w.calm)
}

// report fails the test for every violation.
func (w *world) report(found []violation, seed uint64) {
	w.t.Helper()
	for _, v := range found {
		w.t.Errorf("%s at %d: %s", v.rule, v.at, v.text)
	}
	if len(found) > 0 {
		w.t.Fatalf("%d violations, seed %d\n%s", len(found), seed, w.stats)
	}
}

// waitAnswers waits until supd answers.
func (w *world) waitAnswers() {
	w.t.Helper()
	if missing := eventually(w.t.Context(), recovery, func() string {
		if _, err := w.d.status(); err != nil {
			return err.Error()
		}
		return ""
	}); missing != "" {
		w.t.Fatalf("supd does not answer within %s: %s\n%s", recovery, missing, tail(w.d.log()))
	}
}

// tail is the end of a log.
func tail(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// afterwards is liveness: with the locks gone and a good config, all that nobody stopped comes up by itself, the rest when
// it is started, and a stop leaves nothing behind.
func (w *world) afterwards(crew []*somebody) {
	w.t.Helper()
	w.waitAnswers()
	for _, p := range crew {
		w.must("the locks of a person end", func() string {
			if c := p.endAll(); c.code != 0 && c.code != 3 {
				return fmt.Sprintf("exit code %d", c.code)
			}
			return ""
		})
	}
	w.must("no lock is left", func() string {
		c := crew[0].does(call{verb: doList}, "maintenance", "list")
		if c.code != 0 || !c.parsed || len(c.locks) > 0 {
			return fmt.Sprintf("exit code %d, %v", c.code, c.locks)
		}
		return ""
	})
	w.configure(variant{})
	w.must("the config is in force", func() string {
		if e := crew[0].does(call{verb: doApply, labels: labels()}, "reload", "--apply"); e.code != 0 {
			return fmt.Sprintf("exit code %d", e.code)
		}
		return ""
	})
	w.must("what nobody stopped comes up", func() string { return w.down(false) })
	for _, name := range labels() {
		w.must(name+" is started", func() string {
			c := call{verb: doStart, targets: []string{name}, labels: started(name)}
			if c = crew[0].does(c, doStart, name, "--timeout", "10s"); c.code != 0 {
				return fmt.Sprintf("exit code %d", c.code)
			}
			return ""
		})
	}
	w.must("everything is up", func() string { return w.down(true) })
	w.stopAll(crew[0])
}

// must fails the test if cond does not come to say "".
func (w *world) must(what string, cond func() string) {
	w.t.Helper()
	if missing := eventually(w.t.Context(), recovery, cond); missing != "" {
		status := w.d.ctl("status")
		w.t.Fatalf("%s: not within %s: %s\n%s\n%s\n%s", what, recovery, missing, status.Out, tail(w.d.log()), w.stats)
	}
}

// down names a service that is not up. Unless all are meant, one that a stop holds, or that needs such a one, may be down,
// and so may a job: one that was killed, or ended unseen, has failed and is not run again by itself.
func (w *world) down(all bool) string {
	status, err := w.d.status()
	if err != nil {
		return err.Error()
	}
	held := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, r := range cast() {
			byNeed := slices.ContainsFunc(r.needs, func(n string) bool { return held[n] })
			if !all && !held[r.name] && (len(status[r.name].Holds) > 0 || byNeed) {
				held[r.name], changed = true, true
			}
		}
	}
	for _, r := range cast() {
		if s := status[r.name]; !s.up() && !held[r.name] && r.name != "worker" && (all || !r.job) {
			return fmt.Sprintf("%s is %q, want %q, holds %v: %s", r.name, s.State, s.Want, s.Holds, s.Detail)
		}
	}
	return ""
}

// stopAll stops everything and looks for what is left.
func (w *world) stopAll(p *somebody) {
	w.t.Helper()
	for _, name := range labels() {
		w.must(name+" is stopped", func() string {
			c := call{verb: doStop, targets: []string{name}, labels: labels()}
			if c = p.does(c, doStop, name, "--with-dependents", "--timeout", "10s"); c.code != 0 {
				return fmt.Sprintf("exit code %d", c.code)
			}
			return ""
		})
	}
	if left := w.reg.living(func(note) bool { return true }); len(left) > 0 {
		// The kernel closes a dying process's files before it reports the death, but the registry hears of it later.
		w.must("nothing of a stopped service lives", func() string {
			if left = w.reg.living(func(note) bool { return true }); len(left) > 0 {
				return fmt.Sprint(left)
			}
			return ""
		})
	}
	w.must("no helper is left", func() string {
		if left := w.d.helpers(); len(left) > 0 {
			return fmt.Sprint(left)
		}
		return ""
	})
	w.d.end(syscall.SIGTERM)
}

// summary says what the storm was.
func (w *world) summary(seed uint64) {
	notes, err := w.reg.notes()
	if err != nil {
		w.t.Fatal(err)
	}
	h := w.facts.copy(notes, w.kernel)
	births, exact, signals := 0, 0, 0
	for _, n := range h.notes {
		if n.What == "birth" && !n.Child {
			births++
			if n.Forked > 0 {
				exact++
			}
		} else if n.What == "signal" {
			signals++
		}
	}
	locks := claimsOf(h.calls)
	held := time.Duration(0)
	for _, c := range locks {
		held += time.Duration(min(c.to, h.until) - c.from)
	}
	w.t.Logf("storm of %d rounds, seed %d: 0 violations\n"+
		"  %d starts witnessed (%d with the kernel's own time), %d signals heard, %d shots at services, %d starts of supd\n"+
		"  %d locks judged (%s held in all), %d interrupted actions reported\n%s",
		w.stats.rounds(), seed, births, exact, signals, len(h.shots), w.d.starts, len(locks), held.Round(time.Second),
		strings.Count(w.d.log(), "was cut short"), w.stats)
}

package vm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a service is to the people who work on it, by what they were told.
const (
	free, locked, stopped = "free", "locked", "stopped"
)

// deed is a command and what it makes of a service once it has returned 0.
type deed struct {
	to   string
	args []string
}

// deeds are what people do in each state. %s is the service.
var deeds = map[string][]deed{
	free: {{locked, words("maintenance start %s -m cut")}, {locked, words("maintenance start %s --stop -m cut")}, {stopped, words("stop %s")}},
	locked: {{free, words("maintenance end %s --start")}, {stopped, words("maintenance end %s --leave-stopped")},
		{locked, words("maintenance start %s -m again")}},
	stopped: {{free, words("start %s")}, {locked, words("maintenance start %s -m cut")}},
}

func words(s string) []string { return strings.Fields(s) }

// fact is what is certain about a service: the last state that somebody was told of, and the one that was on its way when
// the power went ("" = none).
type fact struct{ told, coming string }

// fits says whether what is there agrees with what people were told.
func (f fact) fits(is string) bool { return is == f.told || is == f.coming }

// person works on one service until the machine is off or the deeds run out.
func person(m *Machine, name string, rng *rand.Rand, was string) (f fact, err error) {
	f.told = was
	for range 12 {
		d := deeds[f.told][rng.IntN(len(deeds[f.told]))]
		args := []string{"/bin/supctl"}
		for _, a := range d.args {
			args = append(args, strings.ReplaceAll(a, "%s", name))
		}
		f.coming = d.to
		code, out, err := m.Run(args...)
		if errors.Is(err, ErrOff) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		switch {
		case code == 0, d.to == locked && (code == 6 || code == 7): // locked, and something else is not as wished
			f.told = d.to
		case code == 9: // a slow supd, which may still do it: nobody knows until the next look
			return f, nil
		case code == 5: // refused: --leave-stopped of what runs, say; nothing changed
		default:
			return f, fmt.Errorf("%s: exit code %d: %s", strings.Join(args, " "), code, out)
		}
		f.coming = ""
	}
	return f, nil
}

// look is what a service is by supd's word.
func (h *host) look(name string) string {
	s := h.status()[name]
	switch {
	case held(s, "lock", "unreadable"):
		return locked
	case held(s, "operator-stop"):
		return stopped
	}
	return free
}

// cutSectorsMax is about what the deeds of one life write.
const cutSectorsMax = 1500

// powerCuts has people work on three services, cuts the power somewhere in the middle, boots again, and compares what they
// were told with what is there. It returns everything that is wrong.
func (h *host) powerCuts(n int, rng *rand.Rand) (wrong []string) {
	names := []string{"a", "b", "c"}
	facts := map[string]fact{}
	for _, name := range names {
		facts[name] = fact{told: free}
	}
	h.boot()
	h.start()
	for _, name := range names {
		h.waitState(name, "up")
	}
	for cut := range n {
		began := time.Now()
		var mu sync.Mutex
		var all sync.WaitGroup
		next := map[string]fact{}
		dark := h.disk.After(1 + rng.IntN(cutSectorsMax))
		for _, name := range names {
			own, was := rand.New(rand.NewPCG(rng.Uint64(), 0)), facts[name].told
			all.Go(func() {
				f, err := person(h.m, name, own, was)
				mu.Lock()
				defer mu.Unlock()
				if next[name] = f; err != nil {
					wrong = append(wrong, err.Error())
				}
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-dark:
		case <-done:
		}
		h.m.Cut()
		<-done
		doubtful, lost := h.disk.Cut(rng)
		h.boot()
		byFiles := map[string]int{}
		for _, name := range names {
			byFiles[name], _ = h.run("/bin/supctl", "maintenance", "check", name)
		}
		h.start()
		for _, name := range names {
			f, is := next[name], h.look(name)
			if (byFiles[name] == 0) == (is == locked) {
				wrong = append(wrong, fmt.Sprintf("cut %d: %s is %s, and maintenance check says %d", cut, name, is, byFiles[name]))
			}
			if !f.fits(is) {
				wrong = append(wrong, fmt.Sprintf("cut %d: %s is %s; people were told that it is %s (on its way: %q)", cut, name, is, f.told, f.coming))
			}
			if is == free {
				h.waitState(name, "up")
			} else if k := h.starts(name); k != 0 {
				wrong = append(wrong, fmt.Sprintf("cut %d: %s is %s and was started %d times", cut, name, is, k))
			}
			facts[name] = fact{told: is}
		}
		h.t.Logf("cut %d: %v; %d sectors in doubt, %d lost; %v", cut, next, doubtful, lost, time.Since(began).Round(time.Millisecond))
		if len(wrong) > 0 {
			return wrong
		}
	}
	return nil
}

var cutConfig = quick + service("a", "") + service("b", "") + service("c", "")

// number is an environment variable's value, or what it is without.
func number(t *testing.T, name string, without uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// No lock or stop that was reported is missing after the power went, and what is held is not started.
// POWERCUTS is how many cuts, POWERCUT_SEED repeats the choices (not the guest's timing).
func TestPowerCuts(t *testing.T) {
	seed := number(t, "POWERCUT_SEED", uint64(time.Now().UnixNano()))
	t.Logf("POWERCUT_SEED=%d", seed)
	for _, w := range newHost(t, cutConfig).powerCuts(int(number(t, "POWERCUTS", 3)), rand.New(rand.NewPCG(seed, 1))) {
		t.Error(w)
	}
}

// A disk that says it flushed and did not loses locks, and the comparison above notices: the test can fail.
func TestPowerCutNoticesALoss(t *testing.T) {
	h := newHost(t, quick+service("a", ""))
	h.boot()
	h.start()
	h.waitState("a", "up")
	if code, _, err := h.m.Run("/init", "sync"); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	h.disk.Lie()
	h.ctl(0, "maintenance", "start", "a", "-m", "on a disk that lies")
	h.m.Cut()
	for seed := uint64(0); ; seed++ { // a cut that keeps nothing of what was not flushed
		rng := rand.New(rand.NewPCG(seed, 0))
		if rng.Float64(); rng.IntN(3) == 0 {
			h.disk.Cut(rand.New(rand.NewPCG(seed, 0)))
			break
		}
	}
	h.boot()
	h.start()
	if is := h.look("a"); (fact{told: locked}).fits(is) {
		t.Errorf("the service is %s: the lock was never on the plate, so the disk keeps more than it says", is)
	}
}

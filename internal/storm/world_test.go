package storm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// world is everything of one storm.
type world struct {
	t      *testing.T
	dir    string
	facts  *facts
	reg    *registry
	d      *daemon
	stats  *stats
	kernel *kernel       // nil: cannot be heard
	calm   chan struct{} // closed when nothing is to be killed any more
	log    *os.File      // what the storm did, for whoever looks for the cause of a failure
}

// newWorld starts a supd with the cast.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, facts: newFacts(), stats: newStats(), calm: make(chan struct{})}
	if w.log, err = os.Create(filepath.Join(dir, "storm.log")); err != nil {
		t.Fatal(err)
	}
	if w.reg, err = listen(dir, w.facts); err != nil {
		t.Fatal(err)
	}
	if w.kernel, err = hearKernel(); err != nil {
		t.Logf("fork times are those of /proc, in steps of %s: %v", tick, err)
	}
	w.d = newDaemon(t, dir, w.facts)
	t.Cleanup(w.clean)
	if err := (variant{}).write(dir); err != nil {
		t.Fatal(err)
	}
	if err := w.d.start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// clean ends everything. What a failure left is kept, to be looked at.
func (w *world) clean() {
	w.reg.l.Close()
	w.kernel.close()
	w.d.expected.Store(true)
	w.d.cmd.Process.Kill()
	<-w.d.gone
	for range 50 { // what is killed may have forked meanwhile
		if len(killAll(w.dir)) == 0 {
			break
		}
	}
	w.log.Close()
	if w.t.Failed() {
		w.t.Logf("kept: %s (supd.log, storm.log, witnesses, state)", w.dir)
		return
	}
	os.RemoveAll(w.dir)
}

func (w *world) storming() bool {
	select {
	case <-w.calm:
		return false
	default:
		return true
	}
}

func (w *world) trace(format string, args ...any) {
	fmt.Fprintf(w.log, "%d %s\n", now(), fmt.Sprintf(format, args...))
}

// verdict judges everything so far.
func (w *world) verdict() []violation {
	notes, err := w.reg.notes()
	if err != nil {
		w.t.Fatal(err)
	}
	found := judge(w.facts.copy(notes, w.kernel))
	w.facts.mu.Lock()
	found = append(found, w.facts.found...)
	w.facts.mu.Unlock()
	for _, word := range []string{"panic:", "DATA RACE", "fatal error:"} {
		if strings.Contains(w.d.log(), word) {
			found = append(found, violation{now(), "BROKEN", "supd's log has " + word})
		}
	}
	return found
}

// firstUID is the login uid of the first person.
const firstUID = 70000

// people logs in n persons. Without root there is only whoever runs the test.
func (w *world) people(n int, seed uint64) (all []*somebody) {
	w.t.Helper()
	for i := range n {
		uid := 0
		if os.Geteuid() == 0 {
			uid = firstUID + i
		} else if i > 0 {
			break
		}
		l, err := logIn(uid)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(l.logOut)
		all = append(all, &somebody{id: i, login: l, w: w, rng: rand.New(rand.NewPCG(seed, uint64(100+i)))})
	}
	return all
}

// stats count what was done and how it ended.
type stats struct {
	mu sync.Mutex
	n  map[string]map[string]int
}

func newStats() *stats { return &stats{n: map[string]map[string]int{}} }

func (s *stats) count(what string, e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how := fmt.Sprintf("code %d", e.Code)
	if e.Killed {
		how = "killed"
	}
	if s.n[what] == nil {
		s.n[what] = map[string]int{}
	}
	s.n[what][how]++
}

// rounds are the programs that were killed by SIGKILL so far: supd, supctl and helpers. Services do not count.
func (s *stats) rounds() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, ends := range s.n {
		n += int64(ends["killed"])
		if slices.Contains(killings[:], what) {
			n += int64(ends["code 0"])
		}
	}
	return n
}

func (s *stats) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(s.n)) {
		total := 0
		var parts []string
		for _, how := range slices.Sorted(maps.Keys(s.n[what])) {
			total += s.n[what][how]
			parts = append(parts, fmt.Sprintf("%s: %d", how, s.n[what][how]))
		}
		fmt.Fprintf(&b, "  %-20s %5d  %s\n", what, total, strings.Join(parts, ", "))
	}
	return b.String()
}

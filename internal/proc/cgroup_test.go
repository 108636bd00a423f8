package proc

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// cgroups makes a subtree for one test. Where none can be made the reason is the
// machine's and is said.
func cgroups(t testing.TB) *Cgroups {
	t.Helper()
	c, err := FindCgroups(t.TempDir())
	var none *NoCgroupError
	if errors.As(err, &none) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() {
		g := &Cgroup{Path: c.Base()}
		must(t, g.Kill())
		if ok, err := g.WaitEmpty(patience); !ok || err != nil {
			t.Errorf("the test's cgroup does not empty: %v", err)
		}
		must(t, g.Remove())
	})
	return c
}

// A grandchild that forked twice and made its own session and group is in nobody's
// tree, and in the cgroup all the same.
const doubleFork = `(setsid sh -c 'echo $$; exec sleep 1000' &) ; read x`

func TestCgroupKillReachesDoubleForked(t *testing.T) {
	for _, byHand := range []bool{false, true} {
		t.Run("byHand="+strconv.FormatBool(byHand), func(t *testing.T) {
			table, c := newTable(t), cgroups(t)
			g, err := c.Make("db", 1)
			must(t, err)
			k := shell(t, table, doubleFork, func(a *Attr) { a.Cgroup = g })
			pid, err := strconv.Atoi(k.heard(t))
			must(t, err)
			grandchild, err := Identify(pid)
			must(t, err)
			pids, err := g.Procs()
			must(t, err)
			if !slices.Contains(pids, k.PID()) || !slices.Contains(pids, pid) {
				t.Fatalf("procs %v lack %d or %d", pids, k.PID(), pid)
			}
			if !g.Contains(pid) || !c.Service("db").Contains(pid) || g.Contains(os.Getpid()) || c.Service("d").Contains(pid) {
				t.Error("Contains is wrong")
			}
			// Removing what lives is refused.
			if err := g.Remove(); err == nil {
				t.Error("a populated cgroup was removed")
			}
			if byHand {
				must(t, g.killByHand())
			} else {
				must(t, g.Kill())
			}
			if ok, err := g.WaitEmpty(patience); !ok || err != nil {
				t.Fatalf("WaitEmpty: %v %v", ok, err)
			}
			if e := ended(t, k.Process); e.Signal != int(unix.SIGKILL) {
				t.Errorf("main: %s", e)
			}
			if lives, err := grandchild.Lives(); lives || err != nil {
				t.Errorf("grandchild lives: %v %v", lives, err)
			}
			must(t, g.Remove())
			if populated, err := g.Populated(); populated || err != nil {
				t.Errorf("a removed cgroup: %v %v", populated, err)
			}
		})
	}
}

func TestCgroupWaitEmptyTimesOut(t *testing.T) {
	table, c := newTable(t), cgroups(t)
	g, err := c.Make("db", 1)
	must(t, err)
	k := shell(t, table, "read x", func(a *Attr) { a.Cgroup = g })
	if ok, err := g.WaitEmpty(1); ok || err != nil {
		t.Errorf("WaitEmpty with a living process: %v %v", ok, err)
	}
	k.in.Close()
	if ok, err := g.WaitEmpty(patience); !ok || err != nil {
		t.Errorf("WaitEmpty: %v %v", ok, err)
	}
}

// The service's own cgroup sees every generation; a service may have the name of a
// kernel file.
func TestCgroupGenerations(t *testing.T) {
	table, c := newTable(t), cgroups(t)
	const service = "memory.max"
	for gen := range uint64(3) {
		_, err := c.Make(service, gen+9)
		must(t, err)
	}
	g, err := c.Make(service, 9)
	must(t, err)
	shell(t, table, "read x", func(a *Attr) { a.Cgroup = g })
	if populated, err := c.Service(service).Populated(); !populated || err != nil {
		t.Errorf("Populated of all generations: %v %v", populated, err)
	}
	if names, err := c.Services(); err != nil || !slices.Equal(names, []string{service}) {
		t.Errorf("Services: %v %v", names, err)
	}
	if gens, err := c.Generations(service); err != nil || !slices.Equal(gens, []uint64{9, 10, 11}) {
		t.Errorf("Generations: %v %v", gens, err)
	}
	if err := c.Sweep(service, 11); err == nil {
		t.Error("Sweep removed a living generation, or kept quiet about it")
	}
	if gens, _ := c.Generations(service); !slices.Equal(gens, []uint64{9, 11}) {
		t.Errorf("after Sweep: %v", gens)
	}
	if gens, err := c.Generations("nobody"); len(gens) != 0 || err != nil {
		t.Errorf("Generations of an unknown service: %v %v", gens, err)
	}
}

func TestCgroupOfADirectoryThatIsNone(t *testing.T) {
	_, err := CgroupsAt(t.TempDir())
	var none *NoCgroupError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "cgroup.type") {
		t.Errorf("%v", err)
	}
}

func TestStartIntoAMissingCgroup(t *testing.T) {
	table := newTable(t)
	_, err := tryShell(table, "exit", func(a *Attr) { a.Cgroup = &Cgroup{Path: "/nonexistent"} })
	if !errors.Is(err, fs.ErrNotExist) || table.Len() != 0 {
		t.Errorf("%v", err)
	}
}

func TestCgroupTidyLeavesWhatLives(t *testing.T) {
	table, c := newTable(t), cgroups(t)
	_, err := c.Make("down", 1)
	must(t, err)
	g, err := c.Make("up", 2)
	must(t, err)
	k := shell(t, table, "read x", func(a *Attr) { a.Cgroup = g })
	if err := c.Tidy(); err == nil {
		t.Error("Tidy says that nothing is left")
	}
	if names, err := c.Services(); err != nil || !slices.Equal(names, []string{"up"}) {
		t.Errorf("left: %v %v", names, err)
	}
	k.in.Close()
	ended(t, k.Process)
	must(t, c.Tidy())
	if _, err := os.Stat(c.Base()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the subtree: %v", err)
	}
}

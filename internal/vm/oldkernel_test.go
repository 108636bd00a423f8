package vm

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// On Linux 6.1 nobody but a parent learns how a process ended, and cgroup v2 has its controllers. What supd is for holds there as well.
func TestOldKernel(t *testing.T) {
	h := newHost(t, quick+service("db", "")+service("tree", "", "child")+service("hand", "")+service("web", ""))
	h.boot()
	if version, err := h.m.Read("/proc/version"); err != nil || !strings.HasPrefix(version, "Linux version 6.1.") {
		t.Fatalf("%q, %v: not the kernel this test is about", version, err)
	}
	h.start()
	for _, name := range []string{"db", "tree", "hand", "web"} {
		h.waitState(name, "up")
	}
	signal := func(pid int, s syscall.Signal) {
		t.Helper()
		if err := h.m.Signal(pid, int(s)); err != nil {
			t.Fatal(err)
		}
	}

	// A crash is repaired, a stop by hand is not.
	old := h.status()["db"].PID
	signal(old, syscall.SIGKILL)
	h.eventually("db runs again", func() string {
		if s := h.status()["db"]; s.State != "up" || s.PID == old {
			return strconv.Quote(s.State)
		}
		return ""
	})
	signal(h.status()["hand"].PID, syscall.SIGTERM)
	h.waitHold("hand", "operator-stop")

	// A child that outlives its parent goes with the tree.
	h.eventually("the child of tree", func() string {
		if h.starts("tree-child") == 0 {
			return "not yet"
		}
		return ""
	})
	note, err := h.m.Read("/run/services/tree-child")
	if err != nil {
		t.Fatal(err)
	}
	orphan := strings.TrimSpace(strings.TrimPrefix(note, "start "))
	h.ctl(0, "stop", "tree")
	if stat, _ := h.m.Read("/proc/" + orphan + "/stat"); stat != "" && !strings.Contains(stat, ") Z ") {
		t.Errorf("the child outlives its service: %s", stat)
	}

	// Killed and started again, supd adopts what runs, and holds what ended in a way that it cannot know.
	db := h.status()["db"].PID
	signal(h.supd, syscall.SIGKILL)
	h.start()
	if s := h.waitState("db", "up"); s.PID != db || !s.Adopted {
		t.Errorf("db: pid %d, adopted %v, want pid %d adopted", s.PID, s.Adopted, db)
	}
	if n := h.starts("db"); n != 2 {
		t.Errorf("db was started %d times, want 2", n)
	}
	h.waitHold("hand", "operator-stop")
	web := h.status()["web"].PID
	signal(web, syscall.SIGKILL)
	h.eventually("the end of an adopted process is seen", func() string {
		if s := h.status()["web"]; s.PID == web {
			return strconv.Quote(s.State)
		}
		return ""
	})
	if s := h.status()["web"]; s.State != "up" && !held(s, "operator-stop") {
		t.Errorf("web, adopted and killed: %s, %s", s.State, s.Detail)
	}
}

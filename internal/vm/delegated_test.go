package vm

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// twice kills supd and has it started in the same cgroup while its services run: what systemd does, which answers a
// cgroup that it may not put a process into with 219/CGROUP.
func (h *host) twice(name string) {
	h.t.Helper()
	pid := h.waitState(name, "up").PID
	if err := h.m.Signal(h.supd, int(syscall.SIGKILL)); err != nil {
		h.t.Fatal(err)
	}
	h.start()
	if s := h.waitState(name, "up"); s.PID != pid || !s.Adopted {
		h.t.Errorf("%s has pid %d, want %d", name, s.PID, pid)
	}
}

// In a cgroup below the unit's (DelegateSubgroup=, systemd 254) limits are kept, change while a service runs, and supd
// can be started again beside its services.
func TestLimitsInASubgroup(t *testing.T) {
	head := quick + service("db", "")
	h := newHost(t, head+service("web", "[service.web.limits]\ntasks = 30\n")+service("eater", "", "eat"))
	h.cgroup = unitCgroup + "/supd"
	h.boot()
	if err := h.m.Delegate(unitCgroup); err != nil {
		t.Fatal(err)
	}
	h.start()
	web, eater := h.waitState("web", "up").PID, h.waitState("eater", "up").PID
	if got := h.knob(web, "pids.max"); got != "30" {
		t.Errorf("pids.max is %q", got)
	}
	h.reload(head+service("web", "[service.web.limits]\ntasks = 40\ncpu = \"20%\"\nnice = 5\n")+service("eater", "[service.eater.limits]\ntasks = 20\n", "eat"), "")
	for _, want := range []struct {
		pid         int
		file, value string
	}{{web, "pids.max", "40"}, {web, "cpu.max", "20000 100000"}, {eater, "pids.max", "20"}} {
		if got := h.knob(want.pid, want.file); got != want.value {
			t.Errorf("%s is %q, want %q", want.file, got, want.value)
		}
	}
	const nice = "Max nice priority         15                   15 " // 20-5, getrlimit(2)
	if limits, err := h.m.Read(fmt.Sprintf("/proc/%d/limits", web)); err != nil || !strings.Contains(limits, nice) {
		t.Errorf("nice: %v, %s", err, limits)
	}
	h.reload(head+service("web", "[service.web.limits]\nmemory = \"64M\"\nnice = 5\n")+service("eater", "", "eat"),
		"limits.memory pending: cannot set limits.memory while it runs: its memory is not counted: it was started without a limit of it")
	if tasks, cpu := h.knob(web, "pids.max"), h.knob(web, "cpu.max"); tasks != "max" || cpu != "max 100000" {
		t.Errorf("taken back: pids.max %q, cpu.max %q", tasks, cpu)
	}
	h.ctl(0, "restart", "web")
	h.reload(head+service("web", "[service.web.limits]\nmemory = \"48M\"\nnice = 5\n")+service("eater", "", "eat"), "")
	web = h.waitState("web", "up").PID
	if got := h.knob(web, "memory.max"); got != "50331648" {
		t.Errorf("memory.max is %q", got)
	}
	h.reload(head+service("web", "[service.web.limits]\nmemory = \"100K\"\nnice = 5\n")+service("eater", "", "eat"), "the kernel would kill it")
	if s := h.waitState("web", "up"); s.PID != web {
		t.Errorf("web has pid %d, want %d", s.PID, web)
	}
	h.twice("web")
}

// In the unit's own cgroup (systemd before 254) they cannot be kept: that is said, with what to do, and supd can be
// started again beside its services.
func TestLimitsInTheUnitsOwnCgroup(t *testing.T) {
	h := newHost(t, quick+service("db", "")+service("web", "autostart = false\n[service.web.limits]\ntasks = 30\n"))
	h.boot()
	if err := h.m.Delegate(unitCgroup); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.waitState("db", "up")
	out := h.ctl(1, "start", "web")
	for _, want := range []string{"cannot enforce limits.tasks", "DelegateSubgroup=supd in supd.service (systemd 254)", "only the limits of each process (as, data, nproc)"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said: %s", want, out)
		}
	}
	h.twice("db")
}

// reload puts a config in force; the answer has to have a text in it.
func (h *host) reload(config, want string) {
	h.t.Helper()
	if err := h.m.Write("/etc/supd/supd.toml", config); err != nil {
		h.t.Fatal(err)
	}
	if out := h.ctl(0, "reload"); !strings.Contains(out, want) || want == "" && strings.Contains(out, "pending") {
		h.t.Errorf("reload does not say %q: %s", want, out)
	}
}

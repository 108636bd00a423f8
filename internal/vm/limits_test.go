package vm

import (
	"strconv"
	"strings"
	"testing"
)

// The limits of a whole service bind: memory ends it, and the reason is named; tasks ends its forking; cpu slows it down.
// Beside them others run on.
func TestLimitsOfAService(t *testing.T) {
	h := newHost(t, quick+service("db", "")+
		service("eater", "[service.eater.restart]\npolicy = \"never\"\n[service.eater.limits]\nmemory = \"32M\"\n", "eat")+
		service("forker", "[service.forker.limits]\ntasks = 30\n", "fork")+
		service("spinner", "[service.spinner.limits]\ncpu = \"20%\"\n", "spin"))
	h.boot()
	h.start()
	h.waitState("db", "up")
	h.eventually("the exit of eater names its reason", func() string {
		if _, out := h.run("/bin/supctl", "show", "eater"); !strings.Contains(out, "out of memory") {
			return out
		}
		return ""
	})
	h.eventually("forker is refused more processes", func() string { return h.counted("forker", "pids.events", "max") })
	if text, err := h.m.Read("/run/services/forker"); err != nil || strings.Contains(text, "without end") {
		t.Errorf("forker has more processes than it may: %v, %s", err, text)
	}
	h.eventually("spinner is slowed down", func() string { return h.counted("spinner", "cpu.stat", "nr_throttled") })
	if n := h.starts("db"); n != 1 {
		t.Errorf("db, which has no limit, was started %d times", n)
	}
}

// counted is "" once the kernel has counted key in a file of the service's cgroup; otherwise what is there.
func (h *host) counted(name, file, key string) string {
	h.t.Helper()
	s := h.status()[name]
	if s.PID == 0 {
		return s.State + ": " + s.Detail
	}
	where, err := h.m.Read("/proc/" + strconv.Itoa(s.PID) + "/cgroup")
	if err != nil {
		return err.Error()
	}
	text, err := h.m.Read("/sys/fs/cgroup" + strings.TrimPrefix(strings.TrimSpace(where), "0::") + "/" + file)
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), key+" "); ok && n != "0" {
			return ""
		}
	}
	return where + text
}

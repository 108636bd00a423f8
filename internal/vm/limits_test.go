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
			return strconv.Quote(out)
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
	where, text := h.file(s.PID, file)
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), key+" "); ok && n != "0" {
			return ""
		}
	}
	return where + text
}

// file is the content of a file of the cgroup that pid is in, and where that is.
func (h *host) file(pid int, name string) (where, text string) {
	h.t.Helper()
	where, err := h.m.Read("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err == nil {
		where = "/sys/fs/cgroup" + strings.TrimPrefix(strings.TrimSpace(where), "0::") + "/" + name
		text, err = h.m.Read(where)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return where, text
}

// knob is what one line of such a file says.
func (h *host) knob(pid int, name string) string {
	h.t.Helper()
	_, text := h.file(pid, name)
	return strings.TrimSpace(text)
}

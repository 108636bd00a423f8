package vm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
)

const dailyAtThree = "command = [\"/init\", \"service\", \"%[1]s\", \"end\"]\noneshot = true\nschedule = \"cron: 0 3 * * *\"\n"

func job(name string) string { return fmt.Sprintf("[service.%[1]s]\n"+dailyAtThree, name) }

// setClock sets the machine's wall clock.
func (h *host) setClock(at time.Time) {
	h.t.Helper()
	if code, out := h.run("/init", "clock", strconv.FormatInt(at.Unix(), 10)); code != 0 {
		h.t.Fatal(out)
	}
}

// locks is what supctl maintenance list says, by target.
func (h *host) locks() map[string]api.Lock {
	h.t.Helper()
	var reply api.LocksReply
	if out := h.ctl(0, "maintenance", "list", "-o", "json"); json.Unmarshal([]byte(out), &reply) != nil {
		h.t.Fatal(out)
	}
	all := map[string]api.Lock{}
	for _, l := range reply.Locks {
		all[l.Target] = l
	}
	return all
}

// The clock of a running machine is set forward by a year and back by two: no lock ends, nothing is started that is held,
// nothing is restarted that runs, a crash is repaired at once, and a schedule goes by the new clock.
func TestTheClockIsSetByAYear(t *testing.T) {
	h := newHost(t, quick+service("db", "")+service("locked", "")+service("stopped", "")+job("report")+job("held"))
	h.boot()
	h.start()
	for _, name := range []string{"db", "locked", "stopped"} {
		h.waitState(name, "up")
	}
	h.ctl(0, "stop", "stopped")
	h.ctl(0, "maintenance", "start", "locked", "--for", "2h", "-m", "new disk")
	h.ctl(0, "maintenance", "start", "held", "-m", "not tonight")
	pid := h.waitState("locked", "up").PID
	if err := h.m.Signal(pid, int(syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	h.waitState("locked", "down")

	night := time.Now().UTC().Truncate(24 * time.Hour).Add(3*time.Hour - 2*time.Second) // two seconds before the jobs' time
	for i, jump := range []struct {
		to      time.Time
		overdue bool
	}{
		{night.AddDate(1, 0, 0), true},
		{night.AddDate(-1, 0, 0), false},
	} {
		before := h.waitState("db", "up")
		h.setClock(jump.to)
		h.eventually("the report was made", func() string {
			if n := h.starts("report"); n != i+1 {
				return fmt.Sprintf("%d times", n)
			}
			return ""
		})
		h.waitState("report", "done")
		if s := h.waitState("db", "up"); s.PID != before.PID {
			t.Errorf("%v: db has pid %d, want %d", jump.to, s.PID, before.PID)
		}
		if err := h.m.Signal(before.PID, int(syscall.SIGKILL)); err != nil {
			t.Fatal(err)
		}
		h.eventually("db is up again", func() string {
			if s := h.status()["db"]; s.State != "up" || s.PID == before.PID {
				return s.State + ": " + s.Detail
			}
			return ""
		})
		locks := h.locks()
		if l, is := locks["locked"]; !is || l.Overdue != jump.overdue {
			t.Errorf("%v: overdue is %v, want %v: %+v", jump.to, l.Overdue, jump.overdue, locks)
		}
		for _, name := range []string{"locked", "held"} {
			h.ctl(4, "maintenance", "check", name)
		}
		h.waitHold("stopped", "operator-stop")
		for name, want := range map[string]int{"locked": 1, "stopped": 1} {
			if n := h.starts(name); n != want {
				t.Errorf("%v: %s was started %d times, want %d", jump.to, name, n, want)
			}
		}
		if _, err := h.m.Read("/run/services/held"); err == nil && h.starts("held") > 0 {
			t.Errorf("%v: a job ran under its lock", jump.to)
		}
	}
	if text := h.ctl(0, "events", "held"); !strings.Contains(text, "action.suppressed") {
		t.Errorf("the runs that were left out are not told:\n%s", text)
	}
	h.ctl(0, "maintenance", "extend", "locked", "--for", "1h")
	h.ctl(0, "maintenance", "end", "locked", "--start")
	h.waitState("locked", "up")
}

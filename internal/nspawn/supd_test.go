package nspawn

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// config is what the container's supd watches.
const config = `
[maintenance]
settle = "0s"
[service.web]
command = ["/bin/sleep", "infinity"]
[service.loud]
command = ["/bin/sh", "-c", "echo hello from loud; exec sleep infinity"]
`

// host is a container with supd installed as the README says.
type host struct {
	*Container
	t *testing.T
}

func newHost(t *testing.T) *host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot boot a systemd")
	}
	c, err := Boot("supd-test", share)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{c, t}
	t.Cleanup(func() {
		if t.Failed() {
			_, log := h.Run("journalctl", "--no-pager", "--lines=60")
			t.Logf("the journal's end:\n%s", log)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	h.sh("cp /shared/supd /shared/supctl /usr/local/bin/ && cp /shared/supd.service /etc/systemd/system/")
	h.sh("mkdir -p /etc/supd && install -m 600 /dev/stdin /etc/supd/supd.toml <<'EOF'" + config + "EOF")
	h.sh("systemctl daemon-reload && systemctl enable --now supd")
	return h
}

// sh runs a line of shell that must succeed.
func (h *host) sh(line string) string {
	h.t.Helper()
	code, out := h.Run("bash", "-c", line)
	if code != 0 {
		h.t.Fatalf("%s: exit code %d\n%s", line, code, out)
	}
	return out
}

// eventually waits until cond says "".
func (h *host) eventually(what string, cond func() string) {
	h.t.Helper()
	missing := "never asked"
	for deadline := time.Now().Add(bootMax); time.Now().Before(deadline); <-time.After(lookGap) {
		if missing = cond(); missing == "" {
			return
		}
	}
	h.t.Fatalf("%s: not within %s: %s", what, bootMax, missing)
}

// service is what status says of one.
type service struct {
	Name, State string
	PID         int
	Holds       []struct{ Kind string }
}

// up waits until a service is up and gives what status says.
func (h *host) up(name string) (s service) {
	h.t.Helper()
	h.eventually(name+" is up", func() string {
		_, out := h.Run("supctl", "status", name, "-o", "json")
		var reply struct{ Services []service }
		if err := json.Unmarshal([]byte(out), &reply); err != nil || len(reply.Services) != 1 {
			return strconv.Quote(out)
		}
		if s = reply.Services[0]; s.State != "up" {
			return strconv.Quote(s.State)
		}
		return ""
	})
	return s
}

// property is one of the unit's, by systemd's word.
func (h *host) property(name string) string {
	h.t.Helper()
	return strings.TrimSpace(h.sh("systemctl show --value -p " + name + " supd"))
}

// restarted waits until systemd has started another supd than pid, and says that it is ready.
func (h *host) restarted(pid string) {
	h.t.Helper()
	h.eventually("another supd is ready", func() string {
		if now, state := h.property("MainPID"), h.property("ActiveState"); now == pid || now == "0" || state != "active" {
			return fmt.Sprintf("pid %s is %s", now, state)
		}
		return ""
	})
}

// A systemd that boots, starts, watches, kills and stops supd: the services run on through all of it, and a lock holds.
func TestUnderSystemd(t *testing.T) {
	h := newHost(t)
	web, loud := h.up("web").PID, h.up("loud").PID
	same := func(when string) {
		t.Helper()
		if now := h.up("web").PID; now != web {
			t.Fatalf("%s: web runs as pid %d, before %d", when, now, web)
		}
		if now := h.up("loud").PID; now != loud {
			t.Fatalf("%s: loud runs as pid %d, before %d", when, now, loud)
		}
	}

	if got := h.property("StatusText"); got != "watching 2 services" {
		t.Errorf("systemd shows the status %q", got)
	}
	h.sh("supctl maintenance start loud -m 'new disk'")

	pid := h.property("MainPID")
	h.sh("systemctl kill --signal=KILL --kill-who=main supd")
	h.restarted(pid)
	same("after kill -9")

	h.sh("systemctl restart supd")
	same("after systemctl restart")

	h.sh("systemctl stop supd")
	for _, p := range []int{web, loud} {
		h.sh("kill -0 " + strconv.Itoa(p))
	}
	h.sh("kill -KILL " + strconv.Itoa(loud)) // while nobody looks, and under a lock
	h.sh("systemctl start supd")
	if now := h.up("web").PID; now != web {
		t.Errorf("after stop and start web runs as pid %d, before %d", now, web)
	}
	if code, out := h.Run("supctl", "maintenance", "check", "loud"); code != 4 {
		t.Errorf("after all that loud's lock: exit code %d, want 4\n%s", code, out)
	}
	if _, out := h.Run("supctl", "status", "loud"); !strings.Contains(out, "down") {
		t.Errorf("loud was killed under a lock:\n%s", out)
	}
	h.sh("supctl maintenance end loud --start")
	loud = h.up("loud").PID

	// A supd that hangs: systemd's watchdog ends it, and the next one finds everything as it was.
	h.sh("mkdir -p /etc/systemd/system/supd.service.d && printf '[Service]\\nWatchdogSec=1s\\n' > /etc/systemd/system/supd.service.d/test.conf && systemctl daemon-reload && systemctl restart supd")
	same("after a shorter watchdog")
	pid = h.property("MainPID")
	h.sh("kill -STOP " + pid)
	h.restarted(pid)
	same("after a hang")

	h.eventually("the services' lines are in the journal", func() string {
		if out := h.sh("journalctl --no-pager -t loud -o cat"); strings.Count(out, "hello from loud\n") != 2 {
			return strconv.Quote(out)
		}
		return ""
	})
	if out := h.sh("supctl logs loud -n 1"); !strings.Contains(out, "hello from loud") {
		t.Errorf("supctl logs:\n%s", out)
	}
}

// A state directory whose disk is missing reads as "nothing is locked": then systemd must not start supd at all.
func TestUnderSystemdWithoutItsDisk(t *testing.T) {
	h := newHost(t)
	h.up("web")
	h.sh("supctl maintenance start web")
	h.sh("systemctl stop supd")
	h.sh("printf '[Mount]\\nWhat=/dev/disk/that-is-not-there\\nWhere=/var/lib/supd\\n' > /etc/systemd/system/var-lib-supd.mount && systemctl daemon-reload")
	if code, out := h.Run("systemctl", "start", "supd"); code == 0 {
		t.Errorf("supd was started without its disk\n%s", out)
	}
	if state := h.property("ActiveState"); state == "active" {
		t.Errorf("supd is %s without its disk", state)
	}
	h.sh("rm /etc/systemd/system/var-lib-supd.mount && systemctl daemon-reload && systemctl start supd")
	if s := h.up("web"); len(s.Holds) != 1 || s.Holds[0].Kind != "lock" {
		t.Errorf("with its disk back web is held by %v, want its lock", s.Holds)
	}
}

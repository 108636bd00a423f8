package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
)

// eventuallyMax is for an emulated machine on a busy host.
const eventuallyMax = 60 * time.Second

// unitCgroup is where systemd puts supd.
const unitCgroup = "/sys/fs/cgroup/supd.service"

// host is one machine that a story boots again and again, with the disk that stays.
type host struct {
	t      *testing.T
	disk   *Disk
	config string
	m      *Machine
	supd   int    // its pid
	cgroup string // that supd is started in
}

// newHost is a machine that is off, with an empty disk.
func newHost(t *testing.T, config string) *host {
	h := &host{t: t, disk: NewDisk(bytes.Clone(blank)), config: config, cgroup: unitCgroup}
	t.Cleanup(func() {
		if h.m != nil {
			h.m.Cut()
		}
	})
	return h
}

// boot powers the machine on. supd does not run yet.
func (h *host) boot() {
	h.t.Helper()
	dir, err := os.MkdirTemp("", "vm") // not t.TempDir: the path of a unix socket is short
	if err == nil {
		h.t.Cleanup(func() { os.RemoveAll(dir) })
		h.m, err = Boot(image, h.disk, dir)
	}
	if err == nil {
		err = h.m.Write("/etc/supd/supd.toml", h.config)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// start starts supd and waits until it answers.
func (h *host) start() {
	h.t.Helper()
	var err error
	if h.supd, err = h.m.Daemon(h.cgroup, "/bin/supd", "--config", "/etc/supd/supd.toml"); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("supd answers", func() string {
		code, out := h.run("/bin/supctl", "status", "-o", "json")
		if code > 1 {
			return strconv.Quote(out)
		}
		return ""
	})
}

// run runs a command that the power does not interrupt.
func (h *host) run(args ...string) (int, string) {
	h.t.Helper()
	code, out, err := h.m.Run(args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return code, out
}

// ctl runs supctl and wants this exit code.
func (h *host) ctl(want int, args ...string) string {
	h.t.Helper()
	code, out := h.run(append([]string{"/bin/supctl"}, args...)...)
	if code != want {
		h.t.Fatalf("supctl %s: exit code %d, want %d: %s\n%s", strings.Join(args, " "), code, want, out, h.log())
	}
	return out
}

func (h *host) log() string {
	text, err := h.m.Read("/run/supd.log")
	if err != nil {
		return err.Error()
	}
	return text
}

// status is of all services, by name.
func (h *host) status() map[string]api.ServiceStatus {
	h.t.Helper()
	_, out := h.run("/bin/supctl", "status", "-o", "json")
	var reply api.StatusReply
	if err := json.Unmarshal([]byte(out), &reply); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	all := map[string]api.ServiceStatus{}
	for _, s := range reply.Services {
		all[s.Name] = s
	}
	return all
}

// held says whether a service has a hold of one of these kinds.
func held(s api.ServiceStatus, kinds ...string) bool {
	for _, hold := range s.Holds {
		for _, kind := range kinds {
			if hold.Kind == kind {
				return true
			}
		}
	}
	return false
}

// starts is how often a service was started in this boot, by its own account.
func (h *host) starts(name string) int {
	h.t.Helper()
	text, err := h.m.Read("/run/services/" + name)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Count(text, "start ")
}

// eventually asks until the answer is "": what is still missing.
func (h *host) eventually(what string, missing func() string) {
	h.t.Helper()
	last := ""
	for until := time.Now().Add(eventuallyMax); time.Now().Before(until); {
		if last = missing(); last == "" {
			return
		}
	}
	h.t.Fatalf("not in %v: %s: %s\n%s", eventuallyMax, what, last, h.log())
}

// waitState waits until a service is in this state, and returns it.
func (h *host) waitState(name, state string) (s api.ServiceStatus) {
	h.t.Helper()
	h.eventually(name+" is "+state, func() string {
		if s = h.status()[name]; s.State != state {
			return s.State + ": " + s.Detail
		}
		return ""
	})
	return s
}

// waitHold waits until a service has a hold of this kind.
func (h *host) waitHold(name, kind string) (s api.ServiceStatus) {
	h.t.Helper()
	h.eventually(name+" is held by "+kind, func() string {
		if s = h.status()[name]; !held(s, kind) {
			return s.State + ": " + s.Detail
		}
		return ""
	})
	return s
}

// off powers the machine off, in order.
func (h *host) off() {
	h.t.Helper()
	if err := h.m.Off(); err != nil && !errors.Is(err, ErrOff) {
		h.t.Fatal(err)
	}
}

func service(name, more string, does ...string) string {
	command := `"/init", "service", "` + name + `"`
	for _, d := range does {
		command += `, "` + d + `"`
	}
	return "[service." + name + "]\ncommand = [" + command + "]\nready = \"delay:1ms\"\n" + more + "\n"
}

// quick is a config's head for stories that do not look at times.
const quick = "[maintenance]\nsettle = \"0s\"\n"

package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// cronOf gives supd, and nobody else, a cron.d of its own with one line in it.
func (d *daemon) cronOf(line string) (file string) {
	d.t.Helper()
	needsRoot(d.t)
	if err := os.Mkdir(d.path("cron.d"), 0o755); err != nil {
		d.t.Fatal(err)
	}
	file = d.path("cron.d/app")
	if err := os.WriteFile(file, []byte(line+"\n"), 0o644); err != nil {
		d.t.Fatal(err)
	}
	d.wrap = []string{"unshare", "--mount", "sh", "-c", "mkdir -p /etc/cron.d && mount --bind " + d.path("cron.d") + ` /etc/cron.d && exec "$@"`, "sh"}
	return file
}

// The answer to maintenance start says what else could act. With --require-isolated a gap ends the procedure: locked, not
// ready, and not stopped; mended, the same command goes on.
func TestIsolationReport(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", ""))
	file := d.cronOf("# start it\n*/5 * * * * root " + strings.Join(d.witnessArgv("db"), " "))
	d.start()
	d.up("db", "web")
	var reply struct {
		Isolation []struct {
			Service, Kind, File string
			Line                int
			Covered             bool
		}
		NotReady []string `json:"not_ready"`
	}
	d.decode(&reply, "maintenance", "start", "db").wants(t, 0)
	if len(reply.Isolation) != 1 || reply.Isolation[0].Service != "db" || reply.Isolation[0].Kind != "cron" ||
		reply.Isolation[0].File != "/etc/cron.d/app" || reply.Isolation[0].Line != 2 || reply.Isolation[0].Covered || len(reply.NotReady) != 0 {
		t.Fatalf("%+v", reply)
	}
	d.ctl("maintenance", "start", "web", "--require-isolated").wants(t, 0)

	stop := []string{"maintenance", "start", "db", "--stop", "--require-isolated"}
	d.ctl(stop...).wants(t, 7, "LOCKED, NOT READY", "not isolated", "/etc/cron.d/app:2", "not stopped", "supctl guard")
	d.ctl(stop...).wants(t, 7)
	d.unchanged("nothing is stopped that is not isolated", "db", "web")
	if locks := d.locks(); len(locks) != 2 || locks[0].Ready == locks[1].Ready {
		t.Errorf("the locks are %+v", locks)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	d.ctl(stop...).wants(t, 0)
	d.waitState("db", "down")
}

// Without supd, supctl looks by itself.
func TestIsolationWithoutSupd(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", ""))
	d.cronOf("*/5 * * * * root " + strings.Join(d.witnessArgv("db"), " "))
	d.start()
	d.up("db")
	d.kill9()
	argv := append(append([]string{}, d.wrap...), d.argv([]string{"maintenance", "start", "db", "--require-isolated", "-o", "json"})...)
	r := personJob{Argv: argv, Env: d.env(), UID: os.Geteuid()}.run().wants(t, 7)
	var reply struct {
		Isolation []struct{ Service, Kind string }
		NotReady  []string `json:"not_ready"`
	}
	if err := json.Unmarshal([]byte(r.Out), &reply); err != nil || len(reply.Isolation) != 1 || reply.Isolation[0].Kind != "cron" || len(reply.NotReady) != 1 {
		t.Fatalf("%v: %s", err, r.Out)
	}
}

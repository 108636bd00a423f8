package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// finding is what `maintenance doctor -o json` has of one thing.
type finding struct {
	Trouble, File, Target, Owner, Text, Command, Does string
	LockID                                            string `json:"lock_id"`
	Holds                                             bool
}

// ill is something that happens to a state directory, and what the doctor has to say of it.
type ill struct {
	what    string
	do      func(d *daemon) error
	file    string // below the state directory
	trouble string
	code    int
}

// lockText is the file of a lock that somebody else took.
func lockText(id, target, boot string) string {
	return fmt.Sprintf("format = 1\nid = %q\ntarget = %q\ntaken_at = 2026-01-02T03:04:05Z\nmeant_down = false\nhost = \"h\"\nboot_id = %q\n"+
		"[owner]\nname = \"mallory\"\nuid = 4242\nlogin_uid = 4242\nsession = \"999999\"\n[members.%s]\n", id, target, boot, target)
}

func ills(boot string) []ill {
	text := func(name, text string) func(d *daemon) error {
		return func(d *daemon) error {
			if err := os.MkdirAll(filepath.Dir(d.state(name)), 0o755); err != nil {
				return err
			}
			return os.WriteFile(d.state(name), []byte(text), 0o644)
		}
	}
	mode := func(name string, mode os.FileMode) func(d *daemon) error {
		return func(d *daemon) error { return os.Chmod(d.state(name), mode) }
	}
	instead := func(name, body string) func(d *daemon) error {
		return func(d *daemon) error {
			if err := os.RemoveAll(d.state(name)); err != nil {
				return err
			}
			return text(name, body)(d)
		}
	}
	hold := "format = 1\nid = \"h1\"\nservice = \"old\"\nkind = \"operator-stop\"\nsince = 2026-01-02T03:04:05Z\nboot_id = \"x\"\n"
	return []ill{
		{"a lock of garbage", text("locks/service/db/bad1.toml", "not [ toml"), "locks/service/db/bad1.toml", "damaged", 8},
		{"an editor's backup", text("locks/service/db/x y.toml~", "x"), "locks/service/db/x y.toml~", "damaged", 8},
		{"a lock of a newer format", text("locks/service/db/new1.toml", "format = 9\n"), "locks/service/db/new1.toml", "foreign", 1},
		{"a copy whose lock is gone", text("locks/service/db/copy1.toml", lockText("copy1", "web", boot)), "locks/service/db/copy1.toml", "misplaced", 1},
		{"a lock on what is configured no more", text("locks/service/old/old1.toml", lockText("old1", "old", boot)), "locks/service/old/old1.toml", "orphaned", 1},
		{"a lock whose taker is gone", text("locks/service/db/gone1.toml", lockText("gone1", "db", "another-boot")), "locks/service/db/gone1.toml", "abandoned", 1},
		{"a hold of garbage", text("holds/db/h1.toml", "?"), "holds/db/h1.toml", "damaged", 8},
		{"a hold of what is configured no more", text("holds/old/h1.toml", hold), "holds/old/h1.toml", "orphaned", 1},
		{"a hold of an unknown kind", text("holds/db/h1.toml", strings.NewReplacer("old", "db", "operator-stop", "quarantine").Replace(hold)), "holds/db/h1.toml", "foreign", 1},
		{"an interrupted action", text("inflight/db", "format = 1\nservice = \"db\"\nverb = \"restart\"\nphase = \"stopped\"\nboot_id = \"another\"\n"), "inflight/db", "stale", 1},
		{"a record of garbage", text("inflight/db", "?"), "inflight/db", "damaged", 8},
		{"a directory for a gate", func(d *daemon) error {
			if err := os.Remove(d.state("gates/db")); err != nil {
				return err
			}
			return os.Mkdir(d.state("gates/db"), 0o700)
		}, "gates/db", "gate", 8},
		{"a gate that everybody can shut", mode("gates/db", 0o666), "gates/db", "access", 1},
		{"a lock directory that everybody can write", mode("locks/service", 0o777), "locks/service", "access", 1},
		{"somebody else's hold directory", func(d *daemon) error { return os.Chown(d.state("holds"), 4242, 0) }, "holds", "access", 1},
		{"an epoch of garbage", text("epoch/db", "?"), "epoch/db", "damaged", 1},
		{"a plan of garbage", text("plan.toml", "?"), "plan.toml", "damaged", 8},
		{"a file for the host's locks", instead("locks/host", "?"), "locks/host", "damaged", 8},
		{"a marker of garbage", text("format", "?"), "format", "marker", 1},
		{"no marker", func(d *daemon) error { return os.Remove(d.state("format")) }, "format", "marker", 8},
	}
}

// doctor is what it finds now.
func (d *daemon) doctor() (found []finding, r result) {
	d.t.Helper()
	var reply struct{ Findings []finding }
	r = d.decode(&reply, "maintenance", "doctor")
	return reply.Findings, r
}

// typed runs a command line as a person types it, and answers a question by the target's name.
func (d *daemon) typed(command, answer string) string {
	d.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = append(d.env(), "PATH="+filepath.Dir(programs.supctl)+":"+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(answer + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Errorf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// Everything that the doctor finds is mended by what it says, with supd and without; and what was damaged holds until a lock ends.
func TestDoctorsOrdersAreFollowed(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{true, false} {
		d := started(t, quick+service("db", "")+service("web", ""))
		d.up("db", "web")
		boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			t.Fatal(err)
		}
		if !with {
			d.kill9()
		}
		for _, i := range ills(strings.TrimSpace(string(boot))) {
			if err := i.do(d); err != nil {
				t.Fatal(err)
			}
			found, r := d.doctor()
			n := slices.IndexFunc(found, func(f finding) bool { return f.File == d.state(i.file) })
			if n < 0 || found[n].Trouble != i.trouble || r.Code != i.code || found[n].Does == "" {
				t.Errorf("supd %v, %s: exit code %d, want %d with %s: %+v", with, i.what, r.Code, i.code, i.trouble, found)
				continue
			}
			out := d.typed(found[n].Command, found[n].Target)
			if left, _ := d.doctor(); slices.ContainsFunc(left, func(f finding) bool { return f.File == d.state(i.file) }) {
				t.Errorf("supd %v, %s: %s left it: %+v\n%s", with, i.what, found[n].Command, left, out)
			}
			for _, l := range d.locks() { // what holds in its stead ends as ever
				end := []string{"maintenance", "end", l.Target}
				if !with {
					end = append(end, "--force")
				}
				d.ctl(end...).wants(t, 0)
			}
			if left, r := d.doctor(); len(left) > 0 || r.Code != 0 {
				t.Fatalf("supd %v, after %s: exit code %d, %+v", with, i.what, r.Code, left)
			}
		}
		if with {
			d.recordedMend()
		}
		kept, err := os.ReadFile(d.newest("aside", "locks_service_db_bad1.toml"))
		if err != nil || string(kept) != "not [ toml" {
			t.Errorf("the damaged lock was kept as %q, %v", kept, err)
		}
	}
}

// recordedMend: supd's record has who mended what.
func (d *daemon) recordedMend() {
	d.t.Helper()
	if r := d.ctl("events", "--type", "maintenance.mended"); !strings.Contains(r.Out, "bad1.toml") {
		d.t.Errorf("events: %s", r.Out)
	}
}

// newest is the file in a directory of the state whose name ends so.
func (d *daemon) newest(dir, suffix string) string {
	d.t.Helper()
	found, err := filepath.Glob(d.state(dir + "/*" + suffix))
	if err != nil || len(found) == 0 {
		d.t.Fatalf("nothing in %s ends in %s: %v", dir, suffix, err)
	}
	return found[len(found)-1]
}

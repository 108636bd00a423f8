package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// brimful fills the state directory and uses up the spare files, too: nothing can be written until free was called.
func (d *daemon) brimful() (free func()) {
	d.t.Helper()
	first := d.fill()
	spares, err := filepath.Glob(d.state("tmp/spare-*"))
	if err != nil || len(spares) == 0 {
		d.t.Fatalf("no spare files: %v", err)
	}
	for _, s := range spares {
		if err := os.Remove(s); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := os.Rename(d.state("ballast"), d.state("ballast0")); err != nil {
		d.t.Fatal(err)
	}
	rest := d.fill()
	return func() {
		d.t.Helper()
		rest()
		if err := os.Rename(d.state("ballast0"), d.state("ballast")); err != nil {
			d.t.Fatal(err)
		}
		first()
	}
}

// guarded runs a command under guard and says whether it ran.
func (d *daemon) guarded(target string) (r result, ran bool) {
	d.t.Helper()
	mark := d.path("guarded")
	os.Remove(mark)
	r = d.ctl("guard", target, "--", "/bin/sh", "-c", "echo >"+mark)
	_, err := os.Stat(mark)
	return r, err == nil
}

// A lock that could not be written holds for as long as this supd lives, and everybody who asks is told so: check, guard, list, motd,
// doctor, status. Without that supd the files count alone.
func TestLockThatCouldNotBeWrittenIsKnownToWhoeverAsks(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+service("web", "")+"[group.all]\nservices = [\"db\", \"web\"]\n")
	d.mounted()
	d.start()
	d.up("db", "web")
	free := d.brimful()
	d.ctl("maintenance", "start", "db", "-m", "index").wants(t, 1, "no space left", "NOT locked")

	d.ctl("status", "db").wants(t, 0, "wanted as a lock", "make room")
	d.ctl("maintenance", "check", "db").wants(t, 4, "db: locked", "wanted as a lock")
	d.ctl("maintenance", "check", "@all").wants(t, 4)
	d.ctl("maintenance", "check", "web").wants(t, 0, "free")
	d.ctl("maintenance", "list").wants(t, 8, "db counts as locked: wanted as a lock")
	d.ctl("motd").wants(t, 0, "db counts as locked: wanted as a lock")
	d.ctl("maintenance", "doctor").wants(t, 8, "unsaved  db: wanted as a lock", "maintenance start db")
	for _, target := range []string{"db", "@all"} {
		if r, ran := d.guarded(target); ran {
			t.Errorf("a guarded command ran on %s", target)
		} else {
			r.wants(t, 125, "wanted as a lock", "was not run")
		}
	}
	d.ctl("upgrade").wants(t, 1, "db is held in this supd's memory alone")
	free()
	d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.ctl("maintenance", "list").wants(t, 0, "no locks")
	d.ctl("maintenance", "doctor").wants(t, 0, "nothing is wrong")
	d.ctl("maintenance", "check", "db").wants(t, 0, "free")
	if r, ran := d.guarded("db"); !ran {
		t.Errorf("not run on a service that is free: %s", r.both())
	}
}

// A lock whose file was removed holds for as long as the supd lives that has seen it, and everybody who asks is told so. The doctor's
// command settles it.
func TestLockWhoseFileIsGoneIsKnownToWhoeverAsks(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.waitHold("db", "lock")
	files, _ := filepath.Glob(d.state("locks/service/db/*.toml"))
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	d.waitHold("db", "unreadable")
	d.ctl("maintenance", "check", "db").wants(t, 8, files[0], "the lock file is gone")
	d.ctl("maintenance", "check", "web").wants(t, 0)
	d.ctl("maintenance", "list").wants(t, 8, "db counts as locked", files[0])
	d.ctl("motd").wants(t, 0, "db counts as locked", files[0])
	if r, ran := d.guarded("db"); ran {
		t.Error("a guarded command ran")
	} else {
		r.wants(t, 125, "the lock file is gone")
	}
	d.freeze() // nobody but supd knows
	if r, ran := d.guarded("db"); !ran {
		t.Errorf("with a supd that hangs the files count alone: %s", r.both())
	}
	d.thaw()

	d.ctl("upgrade").wants(t, 1, "db is held in this supd's memory alone")
	found, r := d.doctor()
	r.wants(t, 8)
	if len(found) != 1 || found[0].Trouble != "vanished" {
		t.Fatalf("found: %+v", found)
	}
	d.typed(found[0].Command, "")
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.ctl("maintenance", "doctor").wants(t, 0, "nothing is wrong")
	d.ctl("maintenance", "check", "db").wants(t, 0, "free")
}

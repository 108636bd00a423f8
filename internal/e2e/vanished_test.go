package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Row 6: a lock file that goes without having been ended is no release. supd took it for one and started the service.
func TestRow06_LockFileVanishesWhileSupdRuns(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	web := d.up("db", "web")[1]
	vanish := func() (file string, content []byte) {
		t.Helper()
		files, _ := filepath.Glob(d.state("locks/service/db/*.toml"))
		if len(files) != 1 {
			t.Fatalf("lock files: %v", files)
		}
		content, err := os.ReadFile(files[0])
		if err == nil {
			err = os.Remove(files[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		return files[0], content
	}
	held := func(file string) {
		t.Helper()
		d.unchanged("held without its lock file", "db")
		s := d.waitHold("db", "unreadable")
		if s.State != "down" || !strings.Contains(s.Holds[0].Reason, file) {
			t.Fatalf("db is %s, held by %v", s.State, s.Holds)
		}
		if e := d.events("db", "service.unreadable"); len(e) == 0 {
			t.Error("no alert")
		}
	}
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")

	// Put back, it is a lock as before, and its end is an end.
	file, content := vanish()
	held(file)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lock is back", func() string {
		if k := d.status("db").holds(); !slices.Equal(k, []string{"lock"}) {
			return strings.Join(k, " ")
		}
		return ""
	})
	d.unchanged("locked again", "db")
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.up("db")
	d.shoot("db", syscall.SIGKILL)
	d.waitStarts("db", 3)
	d.up("db")

	// Lost for good: a person's start settles it, and the next crash is repaired as ever.
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.shoot("db", syscall.SIGKILL)
	d.waitState("db", "down")
	file, _ = vanish()
	held(file)
	d.ctl("start", "db").wants(t, 0)
	if s := d.waitState("db", "up"); len(s.Holds) > 0 {
		t.Fatalf("still held: %v", s.Holds)
	}
	d.shoot("db", syscall.SIGKILL)
	d.waitStarts("db", 5)
	if s := d.status("web"); s.PID != web {
		t.Error("web was bounced")
	}
}

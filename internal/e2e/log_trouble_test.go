package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// troubled waits until status has a problem with these words, and checks that no service was touched.
func (d *daemon) troubled(words ...string) {
	d.t.Helper()
	eventually(d.t, "a problem in status", func() string {
		p := d.problems()
		for _, w := range words {
			if !strings.Contains(p, w) {
				return "no " + w + " in: " + p
			}
		}
		return ""
	})
	for name, s := range d.all() {
		if s.State != "up" || s.Restarts != 0 {
			d.t.Errorf("%s: %+v", name, s)
		}
	}
}

func (d *daemon) untroubled() {
	d.t.Helper()
	eventually(d.t, "no problem in status", d.problems)
}

// A log that is taken away from under its service is said, at once, and the service's next start makes a new one.
func TestALogVanishesUnderItsService(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	d.config(quick + d.echoing("web", "file") + "log_file = \"$DIR/web/log\"\n" + d.echoing("db", "file") + "log_file = \"$DIR/db/log\"\n" + service("other", ""))
	d.start()
	pid := d.up("web", "db", "other")[0]
	d.put("web", "one\n")
	d.logs([]string{"one"}, "web")
	d.untroubled()
	if err := os.Remove(d.path("web/log")); err != nil {
		t.Fatal(err)
	}
	d.troubled(`the log of "web" is gone`, d.path("web/log"), "until it is started again")
	if n := len(d.events("", "supd.problem")); n != 1 {
		t.Errorf("%d events of it", n)
	}
	if now := d.up("web")[0]; now != pid {
		t.Errorf("process %d, was %d", now, pid)
	}
	d.ctl("restart", "web", "-m", "for its log").wants(t, 0)
	d.untroubled()

	// Its directory is renamed: said when it writes next.
	if err := os.Rename(d.path("db"), d.path("db.old")); err != nil {
		t.Fatal(err)
	}
	d.put("db", "two\n")
	d.troubled(`the log of "db" is gone`, d.path("db.old/log"))
	if err := os.Rename(d.path("db.old"), d.path("db")); err != nil {
		t.Fatal(err)
	}
	d.logs([]string{"two"}, "db")
	// And somebody puts another file into its place.
	if err := os.Rename(d.path("db/log"), d.path("db/log.1")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path("db/log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d.put("db", "three\n")
	d.troubled(`the log of "db"`, d.path("db/log.1"))
}

// A log without room costs its service the lines, and nobody else anything.
func TestALogHasNoRoom(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := newDaemon(t, "")
	d.config(quick + d.echoing("web", "file") + "log_file = \"$DIR/logs/web.log\"\n" + service("other", ""))
	if err := os.Mkdir(d.path("logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", d.path("logs"), "tmpfs", 0, "size=1m,mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(d.path("logs"), unix.MNT_DETACH) })
	d.start()
	d.waitState("web", "up")
	d.up("other")
	d.put("web", "one\n")
	d.logs([]string{"one"}, "web")
	ballast := filepath.Join(d.path("logs"), "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20-8<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	d.put("web", "two\n")
	d.troubled(`the log of "web" has no room`)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.put("web", "three\n")
	d.untroubled()
	d.logs([]string{"one", "two", "three"}, "web")
}

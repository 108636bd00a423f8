package e2e

import (
	"os"
	"testing"
)

// What cannot be read beside the locks, and counts as locked, is in the list of locks as well, with its file: by supd and without.
func TestListNamesEveryDamagedFileThatCountsAsLocked(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "list").wants(t, 0, "no locks")
	for _, c := range []struct{ file, counts string }{
		{d.state("holds/db/bad1.toml"), "db counts as locked"}, {d.state("plan.toml"), "everything counts as locked"},
	} {
		sound, _ := os.ReadFile(c.file)
		if err := os.WriteFile(c.file, []byte("not [ toml"), 0o644); err != nil {
			t.Fatal(err)
		}
		seen := func() {
			t.Helper()
			d.ctl("maintenance", "check", "db").wants(t, 8)
			d.ctl("maintenance", "list").wants(t, 8, c.file, c.counts)
			d.ctl("motd").wants(t, 0, c.file, c.counts)
		}
		seen()
		d.kill9()
		seen()
		if sound == nil {
			os.Remove(c.file)
		} else if err := os.WriteFile(c.file, sound, 0o644); err != nil {
			t.Fatal(err)
		}
		d.start()
		d.ctl("maintenance", "list").wants(t, 0, "no locks")
	}
}

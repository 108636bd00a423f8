package e2e

import (
	"os"
	"testing"
)

// A lock file that cannot be read is nobody to lean on: whoever ends the last lock beside it is asked as ever, by supd and without.
func TestEndBesideAnUnreadableLock(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.ctl("stop", "db").wants(t, 0)
	bad := d.state("locks/service/db/bad1.toml")
	if err := os.WriteFile(bad, []byte("not [ toml"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.ctl("maintenance", "end", "db").wants(t, 5, bad)
	d.kill9()
	d.ctl("maintenance", "end", "db").wants(t, 5, bad, "the lock stays")
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.unchanged("the lock stands", "db")
	if got := d.locks(); len(got) != 1 {
		t.Errorf("locks: %v", got)
	}
}

// Nor is a service called released that counts as locked because of such a file.
func TestEndBesideAnUnreadableLockIsNoRelease(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{true, false} {
		d := started(t, quick+service("db", ""))
		d.up("db")
		d.ctl("maintenance", "start", "db").wants(t, 0)
		bad := d.state("locks/service/db/bad1.toml")
		if err := os.WriteFile(bad, []byte("not [ toml"), 0o644); err != nil {
			t.Fatal(err)
		}
		end := []string{"maintenance", "end", "db"}
		if !with {
			d.kill9()
			end = append(end, "--force")
		}
		d.ctl(end...).wants(t, 0, "STILL HELD", "db counts as locked: cannot read "+bad, "doctor").quiet(t, "RELEASED")
		d.ctl("maintenance", "check", "db").wants(t, 8)
	}
}

package e2e

import (
	"os"
	"strings"
	"testing"
)

// A lock says how its owner came: from where is only what their environment claims, and without a login it says that the uid counts.
// The same through supd and without it.
func TestALockSaysHowItsOwnerCame(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	for _, with := range []bool{true, false} {
		if !with {
			d.kill9()
		}
		ann := d.login(4001001, 0)
		from := append([]string{"/usr/bin/env", "SSH_CONNECTION=192.0.2.7 50022 192.0.2.1 22"}, d.argv([]string{"maintenance", "start", "db", "-m", "disk"})...)
		ann.types(from).wants(t, 0, "LOCKED")
		var reply struct {
			Locks []struct{ ID, Remote, File string }
		}
		d.decode(&reply, "maintenance", "list", "db").wants(t, 0)
		if len(reply.Locks) != 1 || reply.Locks[0].Remote != "192.0.2.7" {
			t.Fatalf("locks: %+v", reply.Locks)
		}
		l := reply.Locks[0]
		if text, err := os.ReadFile(l.File); err != nil || !strings.Contains(string(text), `remote = "192.0.2.7"`) {
			t.Errorf("%s, %v", text, err)
		}
		d.ctl("maintenance", "show", l.ID).wants(t, 0, "192.0.2.7, as SSH_CONNECTION claims", "login uid  4001001").quiet(t, "no login")
		d.ctl("maintenance", "list").wants(t, 0).quiet(t, "no login")
		ann.ctl("maintenance", "end", "db", "--force").wants(t, 0)

		// Of no login, as in a container.
		if login, err := os.ReadFile("/proc/self/loginuid"); err != nil || string(login) != "4294967295" {
			t.Logf("who runs this test has login uid %s", login)
			continue
		}
		d.ctl("maintenance", "start", "web").wants(t, 0)
		d.ctl("maintenance", "list").wants(t, 0, "root (no login)")
		d.ctl("maintenance", "show", d.locks()[0].ID).wants(t, 0, "login uid  none: uid 0 counts")
		if with {
			d.ctl("show", "web").wants(t, 0, "the owner has no login uid: uid 0 counts")
		}
		d.ctl("maintenance", "end", "web", "--force").wants(t, 0)
	}
}

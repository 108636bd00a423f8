package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is about one service refuses a group instead of answering for one of its members; logs are for as many as one likes.
func TestShowOfAGroupNamesTheWayToSeeItsMembers(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "")+"\n[group.site]\nservices = [\"db\", \"web\"]\n")
	for _, verb := range []string{"show", "explain"} {
		d.ctl(verb, "@site").wants(t, 2, `"@site": it is 2 services`, "supctl status @site")
	}
	d.ctl("show", "db").wants(t, 0)
}

// Status tells everybody what they can do: the owner to end the lock, others whom to ask. What it says is not refused.
func TestStatusTellsOthersWhomToAsk(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	alice, bob := d.login(700011, 0), d.login(700012, 0)
	alice.ctl("maintenance", "start", "db", "-m", "index").wants(t, 0)
	alice.ctl("status", "db").wants(t, 0, "db: supctl maintenance end db")
	said := bob.ctl("status", "db").wants(t, 0, "db: ask uid 700011", "supctl maintenance break "+d.locks()[0].ID+" -m REASON")
	if strings.Contains(said.Out, "maintenance end") {
		t.Errorf("bob is told to end alice's lock:\n%s", said.Out)
	}
	bob.ctl("maintenance", "break", d.locks()[0].ID, "-m", "alice is on a plane", "--yes").wants(t, 0)
	alice.ctl("status", "db").wants(t, 0, "db: ask uid 700012")
}

// Who takes a database down is told what else runs on it, whichever of the two commands they use.
func TestStopNamesRunningDependents(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "depends_on = [\"db\"]\n")+service("api", "depends_on = [\"web\"]\n"))
	d.up("db", "web", "api")
	d.ctl("stop", "db").wants(t, 5, `running services need it: "api", "web"`)
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 0, `running services need "db" and are left as they are: "api", "web"`)
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	locked := d.ctl("maintenance", "start", "db", "web", "api", "--stop").wants(t, 0)
	if strings.Contains(locked.both(), "are left as they are") {
		t.Errorf("what is locked with it is not left as it is:\n%s", locked.both())
	}
}

// A second person who wants a service down that the first has taken down is told that it is: proof is what --stop is for,
// not a signal. While it runs, it is the first one's: not ready.
func TestSecondLockWithStopProvesThatItIsDown(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	alice, bob := d.login(700021, 0), d.login(700022, 0)
	alice.ctl("maintenance", "start", "db", "-m", "index").wants(t, 0)
	bob.ctl("maintenance", "start", "db", "--stop").wants(t, 7, "held by", "index")
	alice.ctl("stop", "db", "--override", "-m", "agreed with bob").wants(t, 0)
	if r := bob.ctl("maintenance", "start", "db", "--stop").wants(t, 0, "LOCKED db"); strings.Contains(r.both(), "NOT READY") {
		t.Errorf("it is down: %s", r.both())
	}
	if locks := d.locks(); len(locks) != 2 || !locks[0].Ready || !locks[1].Ready {
		t.Errorf("locks that are not ready: %+v", locks)
	}
}

// A second supd that is told to end while it waits for the first says so, and names the first.
func TestSecondSupdThatIsEndedEarlySaysWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	second := exec.Command(programs.supd, "--config", d.path("supd.toml"), "--state-dir", d.path("state"), "--run-dir", d.path("run"))
	var said bytes.Buffer
	second.Stderr = &said
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second supd waits", func() string {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", second.Process.Pid))
		for _, fd := range open {
			if to, _ := os.Readlink(fd); to == d.state("supd.lock") {
				return ""
			}
		}
		return "it has not opened " + d.state("supd.lock")
	})
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := second.Wait()
	want := fmt.Sprintf("another supd uses it (pid %d); it was waited for, until this one was told to end", d.cmd.Process.Pid)
	if err == nil || !strings.Contains(said.String(), want) || strings.Contains(said.String(), "context") {
		t.Errorf("%v: %s", err, said.String())
	}
}

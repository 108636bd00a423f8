package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// emptyMountPoint fails if anything was made where the state directory has to be mounted.
func (d *daemon) emptyMountPoint() {
	d.t.Helper()
	if made, err := os.ReadDir(d.path("state")); err != nil || len(made) > 0 {
		d.t.Fatalf("made in the mount point: %v, %v", made, err)
	}
}

// What supd notes beside its locks while the state directory is not mounted was made in the mount point, below what is mounted
// later, and lost with that.
func TestNothingIsMadeInTheMountPointOfTheStateDirectory(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("db", "")+"[service.report]\ncommand = [\""+programs.self+"\", \"witness\", \"-log\", \"$DIR/report.log\"]\noneshot = true\nautostart = false\n")
	d.mounted()
	d.start()
	d.up("db")
	d.ctl("start", "report", "--no-wait").wants(t, 0)
	d.waitStarts("report", 1)
	mountedAgain := d.unmounted()
	d.shoot("db", syscall.SIGKILL)
	d.shoot("report", syscall.SIGKILL)
	eventually(t, "the end of the job is noted, or cannot be", func() string {
		if made, _ := os.ReadDir(d.path("state")); len(made) == 0 && !strings.Contains(d.problems(), "cannot note the runs of jobs") {
			return "neither"
		}
		return ""
	})
	d.waitHold("db", "unreadable")
	d.ctl("maintenance", "start", "db").wants(t, 1)
	d.emptyMountPoint()
	mountedAgain()
	d.waitStarts("db", 2)
	d.ctl("start", "report", "--no-wait").wants(t, 0) // its end can be noted now
	d.waitStarts("report", 2)
	d.shoot("report", syscall.SIGKILL)
	eventually(t, "nothing is wrong", func() string { return d.problems() })
}

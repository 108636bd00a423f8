package e2e

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/supd/supd/lockfile"
)

// stubborn ends at the second SIGTERM.
const stubborn = `n=0; trap 'n=$((n+1)); test $n -lt 2 || exit 0' TERM; while :; do sleep 0.01; done`

// A helper that outlives its supd is waited for by the next one, however long it takes; when it dies too, that supd finishes
// the stop: the lock that waits for it is granted.
func TestHelperThatDiesUnderTheNextSupd(t *testing.T) {
	t.Parallel()
	d := started(t, quick+fmt.Sprintf("\n[service.db]\ncommand = [\"sh\", \"-c\", %q]\nready = \"delay:100ms\"\n[service.db.stop]\ntimeout = \"10m\"\n", stubborn))
	main := d.up("db")[0]
	stopping := d.ctlAsync("stop", "db")
	var helper int
	eventually(t, "the stop has sent its signal", func() string {
		out, _ := exec.Command("pgrep", "-P", strconv.Itoa(d.cmd.Process.Pid), "-f", "_hand stop db").Output()
		helper, _ = strconv.Atoi(strings.TrimSpace(string(out)))
		record, _ := exec.Command("cat", d.state("inflight/db")).Output()
		if helper == 0 || !strings.Contains(string(record), "term_sent = true") {
			return fmt.Sprintf("helper %d, record %s", helper, record)
		}
		return ""
	})
	d.kill9()
	d.finish(stopping)
	d.start()
	never(t, "it is left to its helper", lockfile.GateWait, func() string {
		if !alive(main) || !alive(helper) {
			return "it was ended"
		}
		return ""
	})
	locking := d.ctlAsync("maintenance", "start", "db")
	if err := syscall.Kill(helper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.finish(locking).wants(t, 0, "LOCKED")
	if alive(main) {
		t.Error("the lock was granted while the stop was not over")
	}
	if s := d.status("db"); s.State != "down" || s.Want != "down" {
		t.Errorf("db is %s, wanted %s", s.State, s.Want)
	}
}

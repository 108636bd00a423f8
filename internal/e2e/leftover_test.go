package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// leaver goes at once when it is asked to, and leaves behind somebody who does not.
const leaver = `(trap "" TERM; sh -c 'echo $PPID > left.tmp'; mv left.tmp left; while :; do sleep 1000; done) & ` +
	`trap "exit 0" TERM; while :; do sleep 0.01; done`

// F33: supd and its helper are killed in the middle of a stop, when the main process has gone and what it left behind has not. A lock
// waits for that; the next supd ends it, and then the lock is granted.
func TestStopCutShortIsFinishedWithWhatItLeftBehind(t *testing.T) {
	t.Parallel()
	d := started(t, quick+fmt.Sprintf("\n[service.db]\ncommand = [\"sh\", \"-c\", %q]\ndir = \"$DIR\"\nready = \"delay:1ms\"\n[service.db.stop]\ntimeout = \"3s\"\n", leaver))
	main := d.up("db")[0]
	var left int
	eventually(t, "what it will leave behind", func() string {
		b, _ := os.ReadFile(d.path("left"))
		left, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return map[bool]string{true: "not there yet"}[left == 0]
	})
	stopping := d.ctlAsync("stop", "db")
	eventually(t, "the main process to go", func() string {
		if alive(main) {
			return "it lives"
		}
		return ""
	})
	helper, err := exec.Command("pgrep", "-P", strconv.Itoa(d.cmd.Process.Pid), "-f", "_hand stop db").Output()
	if err != nil {
		t.Fatalf("no helper: %v", err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(helper)))
	d.kill9()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.finish(stopping)
	if !alive(left) {
		t.Fatal("nothing is left, so this test proves nothing")
	}
	d.ctl("maintenance", "start", "db", "--wait", "100ms").wants(t, 6, "IN FLIGHT")
	d.start()
	d.ctl("maintenance", "start", "db").wants(t, 0, "LOCKED")
	if alive(left) {
		t.Error("the lock was granted while what the stop had left behind lived")
	}
}

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Before a lock is broken whoever does it sees who is at work under it; the service's own processes are no sign of that.
func TestBreakShowsSignsOfLife(t *testing.T) {
	needsRoot(t)
	eachWay(t, func(t *testing.T, w way) {
		d := newDaemon(t, quick+service("db", "dir = \"$DIR/data\"\n"))
		if err := os.Mkdir(d.path("data"), 0o755); err != nil {
			t.Fatal(err)
		}
		d.start()
		main := d.up("db")[0]
		ann, ben := d.login(4001001, 0), d.login(4001002, 0)
		w.before(d)
		ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
		ask := func() result { t.Helper(); return ben.ctl("maintenance", "break", d.lockOf("db"), "-m", "ann left") }
		ask().wants(t, 2, "the session of uid 4001001 that took it is there", "ask them first", "the lock stands")

		// A restore that runs without a terminal, as from cron.
		restore := exec.Command("sh", "-c", "exec sleep 1000 3>>base")
		restore.Dir = d.path("data")
		restore.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := restore.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { restore.Process.Kill(); restore.Wait() }()
		ann.logout()
		r := ask()
		r.wants(t, 2, fmt.Sprintf("pid %d (s", restore.Process.Pid), "stands in "+d.path("data"))
		if strings.Contains(r.Err, "session of uid 4001001") || strings.Contains(r.Err, fmt.Sprint("pid ", main, " ")) {
			t.Errorf("signs of who is gone, or of the service itself:\n%s", r.Err)
		}
		restore.Process.Kill()
		restore.Wait()
		if r := ask(); r.Code != 2 || strings.Contains(r.Err, "ask them first") {
			t.Errorf("nobody is there: %d\n%s", r.Code, r.Err)
		}
		w.back(d)
	})
}

// What maintenance exec began goes on when exec is killed: whoever breaks the lock is told of it.
func TestBreakNamesWhatExecLeftBehind(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	cmd := exec.Command(programs.supctl, d.argv([]string{"maintenance", "exec", "db", "--", "sh", "-c", "echo $$ > " + d.path("begun") + "; exec sleep 1000"})[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it ran lives on
	d.waitFile("begun")
	d.ctl("maintenance", "break", d.lockOf("db"), "-m", "it hangs").wants(t, 2, fmt.Sprintf("maintenance exec of root that took it runs: pid %d", cmd.Process.Pid))
	cmd.Process.Kill()
	cmd.Wait()
	text, err := os.ReadFile(d.path("begun"))
	if err != nil {
		t.Fatal(err)
	}
	d.ctl("maintenance", "break", d.lockOf("db"), "-m", "it hangs").wants(t, 2, "pid "+strings.TrimSpace(string(text))+" (", "was begun by the lock's maintenance exec and runs")
}

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// nanny is the role of a parent that never waits, as a container's first process may be: what supd leaves behind stays with
// it as zombies. reaper is one that waits at once, as an init does.
func nanny(args []string) int  { return parent(args, false) }
func reaper(args []string) int { return parent(args, true) }

func parent(args []string, reaps bool) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for reaps {
		if _, err := unix.Wait4(-1, nil, 0, nil); err == unix.ECHILD {
			return 0
		}
	}
	select {}
}

// orphan kills the supd below d.parent, which lives on with what supd left. The next start has no such parent.
func (d *daemon) orphan() {
	d.t.Helper()
	supd := 0
	procs, _ := os.ReadDir("/proc")
	for _, p := range procs {
		stat, _ := os.ReadFile("/proc/" + p.Name() + "/stat")
		f := strings.Fields(string(stat))
		if len(f) > 4 && f[1] == "(supd)" && f[3] == strconv.Itoa(d.cmd.Process.Pid) {
			supd, _ = strconv.Atoi(p.Name())
		}
	}
	if supd == 0 {
		d.t.Fatalf("no supd below the %s", d.parent)
	}
	if err := syscall.Kill(supd, syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "supd is dead", func() string {
		if alive(supd) {
			return "alive"
		}
		return ""
	})
	d.parent = ""
}

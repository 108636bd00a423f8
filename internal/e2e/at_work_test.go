package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// atTerminal starts a program as somebody at a terminal does, in a directory; it is ended with the test.
func atTerminal(t *testing.T, dir string, argv ...string) *exec.Cmd {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// A database that crashes under the hands of somebody who works in its files is not started beneath them; nobody there, or a
// service without data, and it is repaired as ever.
func TestCrashWhileSomebodyWorksInItsData(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	for how, argv := range map[string][]string{
		"stands in":             {"sleep", "1000"},
		"has a file open there": {"sh", "-c", "exec sleep 1000 3>>\"$0\"", "base"},
		"only reads there":      {"sh", "-c", "exec sleep 1000 3<\"$0\"", "base"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service("db", "stateful = true\npaths = [\"$DIR/data\"]\n")+service("web", "paths = [\"$DIR/data\"]\n"))
			if err := os.Mkdir(d.path("data"), 0o755); err != nil {
				t.Fatal(err)
			}
			base := d.path("data/base")
			if err := os.WriteFile(base, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			d.start()
			d.up("db", "web")
			stands := d.path("data")
			if how != "stands in" {
				stands, argv[len(argv)-1] = "/", base
			}
			cmd := atTerminal(t, stands, argv...)
			eventually(t, "the person is there", func() string {
				if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); !strings.HasPrefix(string(args), "sleep") {
					return "not yet"
				}
				return ""
			})
			d.shoot("db", syscall.SIGSEGV)
			d.shoot("web", syscall.SIGKILL)
			d.waitStarts("web", 2)
			if how == "only reads there" {
				d.waitStarts("db", 2)
				return
			}
			held := d.waitHold("db", "operator-stop")
			reason := held.Holds[0].Reason
			if !strings.Contains(reason, fmt.Sprintf("pid %d", cmd.Process.Pid)) || !strings.Contains(reason, d.path("data")) || !strings.Contains(held.Holds[0].By, "pts/") {
				t.Errorf("the hold does not say who is at what: %+v", held.Holds[0])
			}
			d.unchanged("nobody starts it under their hands", "db")
			cmd.Process.Kill()
			d.ctl("start", "db").wants(t, 0)
			d.shoot("db", syscall.SIGKILL)
			d.waitStarts("db", 3)
		})
	}
}

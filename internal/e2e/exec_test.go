package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// supctl is a command of that name for a shell inside `maintenance exec`.
func (d *daemon) supctl() string { return strings.Join(d.argv(nil), " ") }

// free fails unless nobody holds the service, and it is up.
func (d *daemon) free(name string) {
	d.t.Helper()
	d.ctl("maintenance", "check", name).wants(d.t, 0)
	d.waitState(name, "up")
}

func TestExecLocksRunsVerifies(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	r := d.ctl("maintenance", "exec", "db", "--stop", "--start", "-m", "new disk", "--", "sh", "-c",
		d.supctl()+" maintenance list; "+d.supctl()+" status db; echo id $SUPD_LOCK_ID of $SUPD_LOCK_TARGET; exit 3")
	r.wants(t, 3, "new disk", "down", "RELEASED")
	if id := strings.Fields(r.Out[strings.Index(r.Out, "id "):])[1]; !strings.Contains(r.Out, "db  ") || !strings.Contains(r.Out, "id "+id+" of db") {
		t.Errorf("the command saw %q", r.Out)
	}
	if strings.Contains(r.Out, "LOCKED") || strings.Contains(r.Out, "RELEASED") {
		t.Errorf("supctl spoke on the command's own output: %q", r.Out)
	}
	d.free("db")
}

// The command's end is not the end of the lock if the service is not well.
func TestExecKeepsTheLockOfWhatIsDown(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "exec", "db", "--stop", "--", "true").
		wants(t, 125, "the command ended with exit code 0, but", "the lock stays")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
	d.free("db")
}

func TestExecTakesTheWorkBack(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.check.own]\ntype = \"file\"\npath = \"$DIR/own\"\nevery = \"100ms\"\ntimeout = \"50ms\"\nfail_after = 1\n"))
	d.touch("own")
	d.up("db")
	work, back := "rm "+d.path("own"), fmt.Sprintf("echo back after $SUPD_COMMAND_CODE under $SUPD_LOCK_ID; touch %s", d.path("own"))

	r := d.ctl("maintenance", "exec", "db", "--on-fail", back, "--", "sh", "-c", work)
	r.wants(t, 125, "the try-out failed", "taking the work back", "the try-out after that succeeded")
	if !strings.Contains(r.Out, "back after 0 under ") {
		t.Errorf("the roll-back wrote %q", r.Out)
	}
	d.free("db")

	d.ctl("maintenance", "exec", "db", "--on-fail", "exit 7", "--", "sh", "-c", work).
		wants(t, 125, "the command ended with exit code 0, but", "the roll-back failed as well, with exit code 7", "the lock stays")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	d.ctl("maintenance", "end", "db", "--force").wants(t, 0)

	d.ctl("maintenance", "exec", "db", "--on-fail", "true", "--", "sh", "-c", "true").
		wants(t, 125, "after the roll-back, which ended well", "the lock stays")
	d.ctl("maintenance", "end", "db", "--force").wants(t, 0)

	d.touch("own")
	eventually(t, "the check passes again", func() string {
		if n := d.status("db").Checks.OK; n != 1 {
			return fmt.Sprint(n, " checks pass")
		}
		return ""
	})
	r = d.ctl("maintenance", "exec", "db", "--on-fail", "echo never", "--", "true")
	r.wants(t, 0)
	if strings.Contains(r.both(), "never") {
		t.Errorf("the work was taken back although the try-out succeeded:\n%s", r.both())
	}
}

// Nothing is locked for a command that cannot be run, and nothing is run under a lock that is not ready.
func TestExecThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "maintenance = { require_reason = true }\n"))
	d.up("db")
	d.ctl("maintenance", "exec", "db", "--", "no-such-program").wants(t, 125, "no-such-program", "nothing was locked")
	d.ctl("maintenance", "exec", "db").wants(t, 125, "no terminal")
	d.ctl("maintenance", "exec", "--", "true").wants(t, 125, "no target")
	d.ctl("maintenance", "exec", "dbb", "--", "true").wants(t, 125, "db")
	r := d.ctl("maintenance", "exec", "db", "--", "touch", d.path("ran")).wants(t, 125, "NOT READY", "cannot run the command", "the lock was taken back")
	if strings.Contains(r.both(), "when the command is over") || strings.Contains(r.both(), "next:") {
		t.Errorf("speaks of a command that does not begin, or of a lock that is gone:\n%s", r.both())
	}
	if _, err := os.Stat(d.path("ran")); err == nil {
		t.Error("the command was run")
	}
	d.free("db")
}

// A lock that was there before is not this command's to end.
func TestExecUnderALockOfOnesOwn(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db", "-m", "all day").wants(t, 0)
	d.ctl("maintenance", "exec", "db", "--", "true").wants(t, 0, "it stays")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	if l := d.locks(); len(l) != 1 || l[0].Abandoned {
		t.Errorf("locks: %+v", l)
	}
}

func TestExecPassesSignalsOn(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	cmd := exec.Command(programs.supctl, d.argv([]string{"maintenance", "exec", "db", "--", "sh", "-c",
		"trap 'echo told; exit 9' TERM; touch " + d.path("trapped") + "; while :; do sleep 0.05; done"})[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.waitFile("trapped")
	cmd.Process.Signal(syscall.SIGTERM)
	said, _ := io.ReadAll(out)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 9 || string(said) != "told\n" {
		t.Errorf("exit code %d, output %q", cmd.ProcessState.ExitCode(), said)
	}
	d.free("db")
}

// Whoever was to end the lock is gone: it holds, and says so.
func TestExecWhoseSupctlIsKilled(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	cmd := exec.Command(programs.supctl, d.argv([]string{"maintenance", "exec", "db", "--", "sh", "-c", "touch " + d.path("begun") + "; exec sleep 60"})[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it ran lives on
	d.waitFile("begun")
	if l := d.locks(); len(l) != 1 || l[0].Abandoned {
		t.Errorf("while it runs: %+v", l)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if l := d.locks(); len(l) != 1 || !l[0].Abandoned {
		t.Errorf("when it was killed: %+v", l)
	}
	d.ctl("maintenance", "list").wants(t, 0, "abandoned")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.free("db")
}

// waitFile waits until a file is there.
func (d *daemon) waitFile(name string) {
	d.t.Helper()
	eventually(d.t, name, func() string {
		if _, err := os.Stat(d.path(name)); err != nil {
			return err.Error()
		}
		return ""
	})
}

// session runs supctl as the leader of a session at a terminal, as a login shell would have it; keys go into what it returns.
func (d *daemon) session(m *screen, args ...string) (cmd *exec.Cmd) {
	d.t.Helper()
	argv := d.argv(args)
	cmd = exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(d.env(), "SHELL=/bin/bash", "HOME="+d.dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = m.tty, m.tty, m.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	return cmd
}

func (m *screen) waitText(t *testing.T, text string) {
	t.Helper()
	eventually(t, text+" on the terminal", func() string {
		if s := m.text(); !strings.Contains(s, text) {
			return fmt.Sprintf("shown: %q", s)
		}
		return ""
	})
}

// A shell: its prompt says what is locked, Ctrl-C is for what runs in it, and its end is the end of the work.
func TestExecShell(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	m := newScreen(t, os.Geteuid())
	cmd := d.session(m, "maintenance", "exec", "db", "-m", "by hand")
	m.waitText(t, "[lock db] ")
	m.types(t, "sleep 100\n")
	eventually(t, "sleep has the terminal", func() string {
		if group, err := unix.IoctlGetInt(m.fd, unix.TIOCGPGRP); err != nil || comm(group) != "sleep" {
			return fmt.Sprint(comm(group), err)
		}
		return ""
	})
	m.types(t, "\x03")
	m.types(t, "echo the lock is still ${SUPD_LOCK_TARGET}s; exit 5\n")
	m.waitText(t, "the lock is still dbs")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d\n%s", code, m.text())
	}
	m.waitText(t, "RELEASED")
	d.free("db")
}

// The connection breaks: the shell ends, the lock does not.
func TestExecWhoseTerminalIsLost(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	m := newScreen(t, os.Geteuid())
	cmd := d.session(m, "maintenance", "exec", "db")
	m.waitText(t, "[lock db] ")
	m.hangUp()
	cmd.Wait()
	d.ctl("maintenance", "check", "db").wants(t, 4)
	if l := d.locks(); len(l) != 1 || !l[0].Abandoned {
		t.Errorf("locks: %+v", l)
	}
}

// comm is the name of a process.
func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

// With an own lock from before there is no end and no try-out, so --on-fail would never have been asked for: exit code 0
// and a service that fails its check.
func TestExecDoesNotForgetItsRollBack(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db").wants(t, 0)
	d.ctl("maintenance", "exec", "db", "--on-fail", "true", "--", "touch", d.path("ran")).wants(t, 125, "--on-fail", "you had a lock on db before", "nothing was run")
	if _, err := os.Stat(d.path("ran")); err == nil {
		t.Error("the command was run")
	}
	d.ctl("maintenance", "exec", "db", "--", "touch", d.path("ran")).wants(t, 0, "it stays")
	d.ctl("maintenance", "check", "db").wants(t, 4)
	d.ctl("maintenance", "extend", "nosuch", "--for", "1h").wants(t, 3)
	d.ctl("maintenance", "end", "db").wants(t, 0)
}

// What a person broke without supd had no expected end, and so could never be overdue.
func TestABrokenLocksHeirIsExpectedToEnd(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, "[maintenance]\ndefault_duration = \"3h\"\n"+service("db", ""))
	d.up("db")
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	for _, mode := range []string{"through supd", "without supd"} {
		if mode == "without supd" {
			d.kill9()
		}
		ann.ctl("maintenance", "start", "db").wants(t, 0)
		ben.ctl("maintenance", "extend", "db", "--for", "1h").wants(t, 4, "cannot extend the lock on db", "4001001")
		ben.ctl("maintenance", "transfer", "db", "--to", "4001002").wants(t, 4, "cannot transfer the lock on db")
		ben.ctl("maintenance", "break", d.locks()[0].ID, "-m", "plane", "--yes").wants(t, 0)
		if l := d.locks(); len(l) != 1 || l[0].Until == nil || l[0].Until.Before(l[0].Since.Add(2*time.Hour)) {
			t.Errorf("%s: %+v", mode, l)
		}
		ben.ctl("maintenance", "end", "db", "--force").wants(t, 0)
	}
}

// Whoever asks for the lock again while exec has it was told LOCKED: it is theirs, and does not end with the command. The same with
// another exec, through supd and without it.
func TestExecLeavesALockThatWasAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{true, false} {
		d := started(t, quick+service("db", "")+service("web", ""))
		d.up("db", "web")
		end := []string{"maintenance", "end", "db"}
		if !with {
			d.kill9()
			end = append(end, "--force")
		}
		for _, again := range []string{" maintenance start db", " maintenance exec db -- true"} {
			argv := []string{"maintenance", "exec", "db", "web", "-m", "long", "--force", "--", "sh", "-c", d.supctl() + again}
			d.ctl(argv...).wants(t, 0, "you asked for the lock on db again meanwhile: it stays", "RELEASED web").quiet(t, "RELEASED db")
			d.ctl("maintenance", "check", "db").wants(t, 4)
			d.ctl("maintenance", "check", "web").wants(t, 0)
			if l := d.locks(); len(l) != 1 || l[0].Reason != "long" {
				t.Errorf("supd %v,%s: %+v", with, again, l)
			}
			d.ctl(end...).wants(t, 0, "RELEASED db")
		}
		// What exec says of its own lock later, a reason that policy wants for one, is no other command.
		d.ctl("maintenance", "exec", "db", "--force", "--", "true").wants(t, 0, "is ended, after a try-out, when the command is over", "RELEASED db").quiet(t, "next: work")
	}
}

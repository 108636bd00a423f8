package proc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func sh(script string) Command {
	return Command{Argv: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestRun(t *testing.T) {
	table := newTable(t)
	with := func(c Command, change func(*Command)) Command { change(&c); return c }
	for _, c := range []struct {
		name     string
		cmd      Command
		exit     Exit
		out, err string
		cut      bool
	}{
		{"output", sh("echo out; echo err >&2"), Exit{Known: true}, "out\n", "err\n", false},
		{"code", sh("exit 3"), Exit{Known: true, Code: 3}, "", "", false},
		{"signal", sh("kill -SEGV $$"), Exit{Known: true, Signal: 11}, "", "", false},
		{"input", with(sh("cat"), func(c *Command) { c.Stdin = []byte("in") }), Exit{Known: true}, "in", "", false},
		{"no input", sh("cat"), Exit{Known: true}, "", "", false},
		{"bounded", with(sh("echo 12345678; exit 1"), func(c *Command) { c.OutputBytesMax = 4 }), Exit{Known: true, Code: 1}, "1234", "", true},
		{"exactly full", with(sh("echo 123"), func(c *Command) { c.OutputBytesMax = 4 }), Exit{Known: true}, "123\n", "", false},
		{"directory", with(sh("pwd"), func(c *Command) { c.Dir = "/usr" }), Exit{Known: true}, "/usr\n", "", false},
		{"environment", with(sh("env"), func(c *Command) { c.Env = []string{"PATH=/usr/bin:/bin", "A=b"}; c.Argv = []string{"env"} }), Exit{Known: true}, "PATH=/usr/bin:/bin\nA=b\n", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := table.Run(context.Background(), c.cmd)
			must(t, err)
			o.Exit.CoreDump = false
			if o.Exit != c.exit || string(o.Stdout) != c.out || string(o.Stderr) != c.err || o.Truncated != c.cut || o.TimedOut {
				t.Errorf("%+v stdout %q stderr %q", o, o.Stdout, o.Stderr)
			}
		})
	}
}

// The time-out takes the children too, and a child that left the group does not hold
// Run up by keeping the pipe.
func TestRunTimeoutKillsTheGroup(t *testing.T) {
	table := newTable(t)
	pidfile := filepath.Join(t.TempDir(), "pids")
	c := sh("sleep 1000 & echo $! > " + pidfile + ".new; mv " + pidfile + ".new " + pidfile + "; wait")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		eventually(t, "script under way", func() bool { _, err := os.Stat(pidfile); return err == nil })
	}()
	o, err := table.Run(ctx, c)
	cancel()
	must(t, err)
	if !o.TimedOut || o.Exit.Signal != 9 {
		t.Errorf("%+v", o)
	}
	assertDead(t, pidfile)

	c = sh("sleep 1000")
	c.Timeout = time.Millisecond
	if o, err := table.Run(context.Background(), c); err != nil || !o.TimedOut {
		t.Errorf("%+v %v", o, err)
	}
}

func TestRunKillsWhatIsLeftInTheGroup(t *testing.T) {
	table := newTable(t)
	pidfile := filepath.Join(t.TempDir(), "pid")
	o, err := table.Run(context.Background(), sh("sleep 1000 & echo $! > "+pidfile+"; exit 5"))
	must(t, err)
	if o.Exit.Code != 5 || o.TimedOut {
		t.Errorf("%+v", o)
	}
	assertDead(t, pidfile)
}

func assertDead(t *testing.T, pidfile string) {
	t.Helper()
	b, err := os.ReadFile(pidfile)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	eventually(t, "left process dead", func() bool {
		s, err := ReadStat(pid)
		return err != nil || s.State == 'Z'
	})
}

func TestRunRefuses(t *testing.T) {
	table := newTable(t)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		cmd  Command
		want string
	}{
		{"nothing", context.Background(), Command{}, "cannot run a program: no command given"},
		{"cancelled", over, sh("exit"), `cannot run "sh": context canceled`},
		{"not in path", context.Background(), Command{Argv: []string{"no-such-program"}, Env: []string{"PATH=/usr/bin"}}, `cannot run "no-such-program": executable file not found in $PATH`},
		{"no such file", context.Background(), Command{Argv: []string{"/no/such"}}, `cannot run "/no/such": no such file or directory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := table.Run(c.ctx, c.cmd)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := FindProgram("sh", []string{"PATH=:.:bin"}); !errors.Is(err, ErrNoProgram) {
		t.Errorf("a relative PATH was followed: %v", err)
	}
}

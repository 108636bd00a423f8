package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// TestStories runs the scripts of testdata/story: what people type, with the built programs. Each has a supd of its own,
// whose config is supd.toml of the script.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/story",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			dir, err := os.MkdirTemp("", "e2e") // a socket's path must be short
			if err != nil {
				return err
			}
			s := &storyteller{dir: dir}
			env.Defer(s.clean)
			env.Values[storyteller{}] = s
			env.Setenv("PATH", filepath.Dir(programs.supctl)+":"+env.Getenv("PATH"))
			env.Setenv("SUPD_SOCKET", filepath.Join(dir, "run/supd.sock"))
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"supd": tellSupd, "exits": tellExits, "shoot": tellShoot, "waits": tellWaits, "recorded": tellRecorded},
	})
}

// storyteller is the supd of one script.
type storyteller struct {
	dir string
	cmd *exec.Cmd
}

func teller(ts *testscript.TestScript) *storyteller {
	return ts.Value(storyteller{}).(*storyteller)
}

func (s *storyteller) clean() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	}
	for range 50 {
		if !(&daemon{dir: s.dir}).killLeft() {
			break
		}
	}
	removeCgroups(filepath.Join(s.dir, "state"))
	os.RemoveAll(s.dir)
}

// supd start|stop|kill9|freeze|thaw
func tellSupd(ts *testscript.TestScript, _ bool, args []string) {
	s := teller(ts)
	switch args[0] {
	case "start":
		cmd := exec.Command(programs.supd, "--config", ts.MkAbs("supd.toml"), "--state-dir", filepath.Join(s.dir, "state"), "--run-dir", filepath.Join(s.dir, "run"))
		cmd.Env = append(os.Environ(), "E2E_DIR="+s.dir)
		log, err := os.Create(filepath.Join(s.dir, "supd.log"))
		ts.Check(err)
		defer log.Close()
		cmd.Stderr = log
		ts.Check(cmd.Start())
		s.cmd = cmd
		ts.Defer(func() {
			if text, err := os.ReadFile(log.Name()); err == nil {
				ts.Logf("supd's log:\n%s", text)
			}
		})
		tellUntil(ts, "supd answers", func() bool { return s.answers(ts) })
	case "stop":
		ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
		ts.Check(s.cmd.Wait())
	case "kill9":
		ts.Check(s.cmd.Process.Kill())
		s.cmd.Wait()
	case "freeze":
		ts.Check(s.cmd.Process.Signal(syscall.SIGSTOP))
	case "thaw":
		ts.Check(s.cmd.Process.Signal(syscall.SIGCONT))
	default:
		ts.Fatalf("supd %v?", args)
	}
}

func (s *storyteller) answers(ts *testscript.TestScript) bool {
	_, err := s.status(ts, "")
	return err == nil
}

// status is what supctl says of a service.
func (s *storyteller) status(ts *testscript.TestScript, name string) (serviceStatus, error) {
	cmd := exec.Command(programs.supctl, "--socket", ts.Getenv("SUPD_SOCKET"), "status", "-o", "json")
	out, err := cmd.Output()
	var reply struct{ Services []serviceStatus }
	if jerr := json.Unmarshal(out, &reply); jerr != nil {
		return serviceStatus{}, jerr
	} else if err != nil && cmd.ProcessState.ExitCode() != 1 {
		return serviceStatus{}, err
	}
	for _, st := range reply.Services {
		if st.Name == name {
			return st, nil
		}
	}
	return serviceStatus{}, nil
}

// exits CODE PROGRAM ARGS… runs a program that must end with that very code.
func tellExits(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if neg || got != args[0] {
		ts.Fatalf("%v: exit code %s, want %s", args[1:], got, args[0])
	}
}

// shoot SERVICE SIGNAL: from outside, as anybody could.
func tellShoot(ts *testscript.TestScript, _ bool, args []string) {
	st, err := teller(ts).status(ts, args[0])
	ts.Check(err)
	if st.PID == 0 {
		ts.Fatalf("%s does not run", args[0])
	}
	ts.Check(syscall.Kill(st.PID, unix.SignalNum("SIG"+args[1])))
}

// waits SERVICE STATE
func tellWaits(ts *testscript.TestScript, _ bool, args []string) {
	tellUntil(ts, strings.Join(args, " "), func() bool {
		st, err := teller(ts).status(ts, args[0])
		return err == nil && st.State == args[1]
	})
}

// recorded SERVICE TYPE waits until supd has seen it.
func tellRecorded(ts *testscript.TestScript, _ bool, args []string) {
	tellUntil(ts, strings.Join(args, " "), func() bool {
		out, err := exec.Command(programs.supctl, "--socket", ts.Getenv("SUPD_SOCKET"), "events", "--service", args[0], "--type", args[1]).Output()
		return err == nil && len(out) > 0
	})
}

func tellUntil(ts *testscript.TestScript, what string, cond func() bool) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	late := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-late:
			ts.Fatalf("not within %s: %s", patience, what)
		}
	}
}

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The demo, as an ordinary user: found by supctl without a flag, and gone without a trace when it ends.
func TestDemo(t *testing.T) {
	needsRoot(t)
	if _, err := os.Stat("/run/supd/supd.sock"); err == nil {
		t.Skip("/run/supd/supd.sock is there: supctl would find the host's supd first")
	}
	for _, place := range []string{"XDG_RUNTIME_DIR", "TMPDIR"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick) // for its directory and its cleaning
			uid := d.userDir("home", "nobody")
			env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.path("home"), "TMPDIR=" + d.path("home"), "E2E_DIR=" + d.dir, "NO_COLOR=1"}
			if place == "XDG_RUNTIME_DIR" {
				env = append(env, "XDG_RUNTIME_DIR="+d.path("home"))
			}
			nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: 65534}}
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			demo := exec.Command(programs.supd, "--demo")
			demo.Env, demo.Dir, demo.SysProcAttr, demo.Stdout, demo.Stderr = env, d.path("home"), nobody, out, out
			if err := demo.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- demo.Wait() }()

			ctl := func(args ...string) result {
				cmd := exec.Command(programs.supctl, args...)
				var stdout, stderr bytes.Buffer
				cmd.Env, cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = env, d.path("home"), nobody, &stdout, &stderr
				cmd.Run()
				return result{Argv: args, Code: cmd.ProcessState.ExitCode(), Out: stdout.String(), Err: stderr.String()}
			}
			var status struct {
				Services []serviceStatus
				Socket   string
			}
			eventually(t, "living services", func() string {
				r := ctl("status", "-o", "json")
				if err := json.Unmarshal([]byte(r.Out), &status); err != nil {
					return strconv.Quote(r.Err)
				}
				if r.Code != 0 { // something that should be up is not yet
					return strconv.Quote(r.Out)
				}
				return ""
			})
			if len(status.Services) < 4 || !strings.HasPrefix(status.Socket, d.path("home")) {
				t.Errorf("%d services on %s", len(status.Services), status.Socket)
			}
			// What the greeting says can be tried.
			greeting, err := os.ReadFile(out.Name())
			if err != nil || !strings.Contains(string(greeting), "supctl status") {
				t.Fatalf("the greeting: %s, %v", greeting, err)
			}
			for _, line := range []string{"maintenance start db -m", "maintenance end db --start", "explain flaky"} {
				if !strings.Contains(string(greeting), line) {
					t.Errorf("the greeting does not say %q: %s", line, greeting)
				}
			}
			ctl("maintenance", "start", "db", "--stop", "-m", "disk").wants(t, 0, "LOCKED db")
			ctl("status").wants(t, 0, "disk")
			ctl("maintenance", "end", "db", "--start").wants(t, 0, "RELEASED db")
			ctl("explain", "flaky").wants(t, 0)

			var pids []int
			json.Unmarshal([]byte(ctl("status", "-o", "json").Out), &status)
			for _, s := range status.Services {
				if s.PID != 0 {
					pids = append(pids, s.PID)
				}
			}
			demo.Process.Signal(syscall.SIGINT)
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("the demo ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatal("the demo does not end")
			}
			for _, pid := range pids {
				if alive(pid) {
					t.Errorf("process %d of the demo is left", pid)
				}
			}
			ctl("status").wants(t, 9)
		})
	}
}

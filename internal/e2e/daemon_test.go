package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/supd/supd/internal/proc"
)

// daemon is one private supd: its directories outlive the process, which a test starts and kills.
type daemon struct {
	t      *testing.T
	dir    string   // everything, its services' logs included, is below
	extra  []string // more arguments of supd
	wrap   []string // a command that executes supd, or has it as its only child
	supd   string   // the binary, if it is not the one that all tests use
	boots  int      // reboots so far
	parent string   // role of the parent that supd is started below; "" = the test itself
	cmd    *exec.Cmd
	gone   chan struct{} // closed when cmd was reaped
}

// quick is a config's head for tests that do not look at times.
const quick = "[maintenance]\nsettle = \"0s\"\n"

// newDaemon writes the config and starts nothing. In text, $DIR is the daemon's directory.
func newDaemon(t *testing.T, text string) *daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, dir: dir}
	t.Cleanup(d.clean)
	d.config(text)
	return d
}

// started is a daemon that answers.
func started(t *testing.T, text string) *daemon {
	t.Helper()
	d := newDaemon(t, text)
	d.start()
	return d
}

// service is the config of a witness called name, up as soon as it runs. more are lines of its table (subtables last).
func service(name, more string, args ...string) string {
	quoted := ""
	for _, a := range append([]string{programs.self, "witness", "-log", "$DIR/" + name + ".log"}, args...) {
		quoted += strconv.Quote(a) + ", "
	}
	ready := "ready = \"delay:1ms\"\n"
	if strings.Contains(more, "ready =") {
		ready = ""
	}
	return fmt.Sprintf("\n[service.%s]\ncommand = [%s]\n%s%s\n", name, quoted, ready, more)
}

func (d *daemon) path(name string) string  { return filepath.Join(d.dir, name) }
func (d *daemon) state(name string) string { return filepath.Join(d.dir, "state", name) }

// config replaces the config file, as an editor does.
func (d *daemon) config(text string) {
	d.t.Helper()
	tmp := d.path("supd.toml.new")
	if err := os.WriteFile(tmp, []byte(strings.ReplaceAll(text, "$DIR", d.dir)), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(tmp, d.path("supd.toml")); err != nil {
		d.t.Fatal(err)
	}
}

// begin starts supd and does not wait for it.
func (d *daemon) begin() {
	d.t.Helper()
	log, err := os.OpenFile(d.path("supd.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{"--config", d.path("supd.toml"), "--state-dir", d.path("state"), "--run-dir", d.path("run")}, d.extra...)
	program := d.supd
	if program == "" {
		program = programs.supd
	}
	argv := append(append(append([]string{}, d.wrap...), program), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	if d.boots > 0 {
		cmd = exec.Command(programs.self, append([]string{"second-boot", d.path("boot_id"), programs.supd}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	if d.parent != "" {
		cmd = exec.Command(programs.self, append([]string{d.parent, programs.supd}, args...)...)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, d.dir
	cmd.Env = append(os.Environ(), "E2E_DIR="+d.dir)
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	d.cmd, d.gone = cmd, gone
}

// start returns when supd answers on its socket.
func (d *daemon) start() {
	d.t.Helper()
	d.begin()
	eventually(d.t, "supd's socket", func() string {
		select {
		case <-d.gone:
			d.t.Fatalf("supd ended: %s\n%s", d.cmd.ProcessState, d.log())
		default:
		}
		c, err := net.DialTimeout("unix", d.path("run/supd.sock"), time.Second)
		if err != nil {
			return err.Error()
		}
		c.Close()
		if r := d.ctl("status", "-o", "json"); r.Code != 0 && r.Code != 1 {
			return r.Err
		}
		return ""
	})
}

func (d *daemon) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// kill9 returns when supd is dead.
func (d *daemon) kill9() {
	d.t.Helper()
	d.signal(syscall.SIGKILL)
	<-d.gone
}

// stop ends supd in the ordinary way.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	select {
	case <-d.gone:
	case <-time.After(patience):
		d.t.Fatalf("supd does not end\n%s", d.log())
	}
}

// freeze stops supd where it is, thaw lets it go on.
// freeze stops supd and waits until each of its threads has stopped: one that is about to sync a file finishes that first.
func (d *daemon) freeze() {
	d.t.Helper()
	d.signal(syscall.SIGSTOP)
	eventually(d.t, "supd has stopped", func() string {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", d.cmd.Process.Pid))
		for _, path := range threads {
			stat, err := os.ReadFile(path)
			if _, rest, ok := strings.Cut(string(stat), ") "); err == nil && (!ok || !strings.HasPrefix(rest, "T")) {
				return string(stat)
			}
		}
		return ""
	})
}

func (d *daemon) thaw() { d.t.Helper(); d.signal(syscall.SIGCONT) }

// log is everything supd wrote, from its first start on.
func (d *daemon) log() string {
	text, _ := os.ReadFile(d.path("supd.log"))
	return string(text)
}

// clean ends everything the test started, judges what holds in every test, and removes the directory.
func (d *daemon) clean() {
	if d.cmd != nil {
		d.cmd.Process.Kill()
		<-d.gone
	}
	for range 50 { // what is killed may have forked meanwhile
		if !d.killLeft() {
			break
		}
	}
	logs, _ := filepath.Glob(d.path("*.log"))
	for _, log := range logs {
		if log == d.path("supd.log") {
			continue
		}
		for _, n := range notes(d.t, log) {
			if n.What == "twice" {
				d.t.Errorf("%s: process %d ran beside another", filepath.Base(log), n.PID)
			}
		}
	}
	if strings.Contains(d.log(), "DATA RACE") || strings.Contains(d.log(), "panic:") {
		d.t.Errorf("supd is broken:\n%s", d.log())
	}
	if d.t.Failed() {
		lines := strings.Split(d.log(), "\n")
		d.t.Logf("the end of supd's log:\n%s", strings.Join(lines[max(0, len(lines)-logLinesMax):], "\n"))
	}
	removeCgroups(d.path("state"))
	os.RemoveAll(d.dir)
}

// logLinesMax bounds the log below a failure, which is to be seen above it.
const logLinesMax = 100

// removeCgroups removes the empty cgroups that a killed supd left.
func removeCgroups(state string) {
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		base := filepath.Join(mount, "supd-"+proc.DaemonOf(state))
		var dirs []string
		filepath.WalkDir(base, func(path string, e os.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			os.Remove(dir)
		}
	}
}

// killLeft kills processes that live in the test's directory, by command line, working directory or environment, and what its supd
// started elsewhere, by the mark.
func (d *daemon) killLeft() (some bool) {
	mark := "SUPD_DAEMON=" + proc.DaemonOf(d.path("state")) + "\x00"
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if pid == os.Getpid() {
			continue
		}
		cwd, _ := os.Readlink(p + "/cwd")
		cmdline, _ := os.ReadFile(p + "/cmdline")
		env, _ := os.ReadFile(p + "/environ")
		if cwd == d.dir || strings.Contains(cwd+"\x00"+string(cmdline)+string(env), d.dir+"/") || strings.Contains(string(env), "E2E_DIR="+d.dir) || strings.Contains(string(env), mark) {
			some = syscall.Kill(pid, syscall.SIGKILL) == nil || some
		}
	}
	return some
}

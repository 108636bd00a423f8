package hands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/await"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// patience bounds every wait for something that has to happen at once.
const patience = await.Patience

// modeVar makes the test binary a supd of its own, to be killed.
const modeVar = "HANDS_TEST_MODE"

func TestMain(m *testing.M) {
	if Helper(os.Args) {
		os.Exit(0)
	}
	mode := os.Getenv(modeVar)
	if mode == "" {
		os.Exit(m.Run())
	}
	run := map[string]func(*rig) error{
		"stop":         modeStop,
		"stop-leaver":  modeStopLeaver,
		"script":       modeScript,
		"killed-held":  modeKilledHeld,
		"killed-fork":  modeKilledFork,
		"dispositions": modeDispositions,
		"untraceable":  modeUntraceable,
	}[mode]
	err := errors.New("unknown mode " + mode)
	if run != nil {
		var r *rig
		if r, err = openRig(os.Getenv("RIG_DIR"), os.Getenv("RIG_CGROUPS")); err == nil {
			err = run(r)
		}
	}
	if err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// rig is a state directory and the hands over it.
type rig struct {
	*Hands
	dir   *lockfile.Dir
	path  string
	gen   uint64
	warns []string
}

const service = "db"

// openRig opens a directory that newRig made. cgroups is the base of the subtree, ""
// for none.
func openRig(path, cgroups string) (*rig, error) {
	d, err := lockfile.Open(filepath.Join(path, "state"), lockfile.Options{})
	if err != nil {
		return nil, err
	}
	table, err := proc.NewTable()
	if err != nil {
		return nil, err
	}
	r := &rig{dir: d, path: path}
	r.Hands = &Hands{Table: table, StateDir: d.Path(), Notes: proc.Notes{Dir: filepath.Join(path, "run", "proc")}}
	r.Warn = func(_ string, err error) { r.warns = append(r.warns, err.Error()) }
	if cgroups != "" {
		r.Cgroups, err = proc.CgroupsAt(cgroups)
	}
	return r, err
}

// newRig makes a state directory with one service.
func newRig(t testing.TB, withCgroups bool) *rig {
	t.Helper()
	path := t.TempDir()
	must(t, os.Chmod(path, 0o755)) // services of other users work here
	must(t, os.Chmod(filepath.Dir(path), 0o755))
	state := filepath.Join(path, "state")
	must(t, lockfile.Init(state, true))
	d, err := lockfile.Open(state, lockfile.Options{})
	must(t, err)
	plan := lockfile.Plan{Services: map[string]lockfile.Identity{service: {Command: "/bin/db"}}}
	_, err = d.Reload(context.Background(), lockfile.ReloadRequest{Build: func(map[string]error) lockfile.Plan { return plan }})
	must(t, err)
	must(t, d.EnsureService(service))
	base := ""
	if withCgroups {
		c, err := proc.FindCgroups(state)
		var none *proc.NoCgroupError
		if errors.As(err, &none) {
			t.Skip(err)
		}
		must(t, err)
		base = c.Base()
	}
	r, err := openRig(path, base)
	must(t, err)
	t.Cleanup(func() { r.clear(t) })
	return r
}

// clear kills what a test left.
func (r *rig) clear(t testing.TB) {
	if r.Cgroups != nil {
		g := &proc.Cgroup{Path: r.Cgroups.Base()}
		must(t, g.Kill())
		if ok, err := g.WaitEmpty(patience); !ok || err != nil {
			t.Errorf("the test's cgroup does not empty: %v", err)
		}
		must(t, g.Remove())
	}
	// Marked with this rig's directory, so that tests side by side leave each other
	// alone.
	all, err := proc.All()
	must(t, err)
	for _, s := range all {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.PID))
		if strings.Contains(string(env), "RIG_MARK="+r.path+"\x00") {
			unix.Kill(s.PID, unix.SIGKILL)
		}
	}
	must(t, r.Table.Close())
}

// do passes the gate as an operator.
func (r *rig) do(verb lockfile.Verb, act func(*lockfile.Permit) error) error {
	me := lockfile.Owner{Name: "test", UID: int64(os.Getuid()), PID: os.Getpid()}
	return r.dir.Do(context.Background(), lockfile.Request{Services: []string{service}, Verb: verb, Actor: me, By: "test"}, act)
}

// spec is a shell script as the service.
func (r *rig) spec(script string) Spec {
	r.gen++
	return Spec{Service: service, Gen: r.gen, Argv: []string{"sh", "-c", script}, Dir: r.path,
		Env: CleanEnv(nil, map[string]string{"PATH": "/usr/bin:/bin", "RIG_MARK": r.path})}
}

func (r *rig) start(t testing.TB, s Spec) *proc.Process {
	t.Helper()
	var p *proc.Process
	must(t, r.do(lockfile.VerbStart, func(permit *lockfile.Permit) (err error) { p, err = r.Start(permit, s); return }))
	return p
}

func (r *rig) startErr(s Spec) error {
	return r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error { _, err := r.Start(permit, s); return err })
}

// stopSpec brings down what the note says.
func (r *rig) stopSpec(t testing.TB, timeout time.Duration) StopSpec {
	t.Helper()
	n, err := r.Notes.Read(service)
	must(t, err)
	return StopSpec{Service: service, Target: n.Process, Gen: n.Gen, Cgroup: n.Cgroup, Timeout: timeout}
}

func (r *rig) stop(s StopSpec) (res StopResult, err error) {
	err = r.do(lockfile.VerbStop, func(permit *lockfile.Permit) (err error) { res, err = r.Stop(permit, s); return })
	return res, err
}

// file is a path in the rig's directory.
func (r *rig) file(name string) string { return filepath.Join(r.path, name) }

// await waits for a file to have content (scripts write it aside and move it) and
// returns it.
func (r *rig) await(t testing.TB, name string) string {
	t.Helper()
	var b []byte
	eventually(t, "file "+name, func() bool {
		var err error
		b, err = os.ReadFile(r.file(name))
		return err == nil && len(b) > 0
	})
	return strings.TrimSpace(string(b))
}

// bothWays runs a test with cgroups and without.
func bothWays(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	for _, with := range []bool{true, false} {
		t.Run(fmt.Sprintf("cgroups=%v", with), func(t *testing.T) { f(t, newRig(t, with)) })
	}
}

// another runs this test binary as another supd on the same directory. Its stdout is
// returned.
func (r *rig) another(t *testing.T, mode string, wrap ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	outR, outW, err := os.Pipe()
	must(t, err)
	argv := append(wrap, "/proc/self/exe")
	if len(wrap) > 0 { // /proc/self is the wrapper's then
		exe, err := os.Executable()
		must(t, err)
		argv[len(argv)-1] = exe
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), modeVar+"="+mode, "RIG_DIR="+r.path)
	if r.Cgroups != nil {
		cmd.Env = append(cmd.Env, "RIG_CGROUPS="+r.Cgroups.Base())
	}
	cmd.Stdout, cmd.Stderr = outW, os.Stderr
	must(t, cmd.Start())
	outW.Close()
	outR.SetReadDeadline(time.Now().Add(patience))
	t.Cleanup(func() {
		outR.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewReader(outR)
}

// ended waits for the exit.
func ended(t testing.TB, p *proc.Process) proc.Exit {
	t.Helper()
	return await.End(t, p)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	await.Eventually(t, what, ok)
}

package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExitOfChild(t *testing.T) {
	table := newTable(t)
	for _, c := range []struct {
		name, script string
		want         Exit
		words        string
	}{
		{"code 0", "exit 0", Exit{Known: true}, "exit code 0"},
		{"code 3", "exit 3", Exit{Known: true, Code: 3}, "exit code 3"},
		{"code 255", "exit 255", Exit{Known: true, Code: 255}, "exit code 255"},
		{"KILL", "kill -KILL $$", Exit{Known: true, Signal: 9}, "killed by SIGKILL"},
		{"TERM", "kill -TERM $$", Exit{Known: true, Signal: 15}, "killed by SIGTERM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := shell(t, table, c.script)
			told := make(chan Exit, 1)
			k.OnExit(func(e Exit) { told <- e })
			if got := <-told; got != c.want || got.String() != c.words {
				t.Errorf("told %+v (%s), want %+v (%s)", got, got, c.want, c.words)
			}
			if got, over := k.Exit(); !over || got != c.want {
				t.Errorf("Exit() = %+v, %v", got, over)
			}
			if k.Alive() || !errors.Is(k.Signal(unix.SIGTERM), ErrGone) {
				t.Error("a dead process lives, or takes signals")
			}
			again := make(chan Exit, 1)
			k.OnExit(func(e Exit) { again <- e })
			if <-again != c.want {
				t.Error("OnExit after the end told another exit")
			}
		})
	}
	if n := table.Len(); n != 0 {
		t.Errorf("%d processes are left in the table", n)
	}
}

func TestUnknownExitIsNotZero(t *testing.T) {
	if s := (Exit{}).String(); s != "exit status unknown" {
		t.Errorf("zero Exit says %q", s)
	}
}

// modeParent forks a shell, prints its pid, and reaps it only when told to ("reap") or
// at once ("wait").
func modeParent() error {
	cmd := exec.Command("/bin/sh", "-c", "read x; [ $x = kill ] && kill -KILL $$; exit $x")
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
		case "exit":
			fmt.Fprintln(w, rest)
		case "reap":
			cmd.Wait()
		}
	}
	return nil
}

// A process that is not our child: as a zombie that its parent leaves, and after its
// parent has reaped it at once.
func TestExitOfStranger(t *testing.T) {
	table := newTable(t)
	for _, c := range []struct {
		name, how string
		want      Exit
	}{
		{"code", "7", Exit{Known: true, Code: 7}},
		{"zero", "0", Exit{Known: true}},
		{"signal", "kill", Exit{Known: true, Signal: 9}},
	} {
		for _, reaped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s reaped=%v", c.name, reaped), func(t *testing.T) {
				_, in, out := another(t, "parent")
				p := openStranger(t, table, out)
				if p.Child() || !p.Alive() {
					t.Fatalf("child %v, alive %v", p.Child(), p.Alive())
				}
				if reaped {
					fmt.Fprintln(in, "exit "+c.how)
					fmt.Fprintln(in, "reap")
				} else {
					fmt.Fprintln(in, "exit "+c.how)
				}
				if got := ended(t, p); got != c.want {
					if !kernelAtLeast(6, 15) && !got.Known {
						t.Skip("kernel before 6.15: the exit of a reaped stranger cannot be known")
					}
					t.Errorf("told %+v, want %+v", got, c.want)
				}
			})
		}
	}
}

func openStranger(t *testing.T, table *Table, out *bufio.Reader) *Process {
	t.Helper()
	line, err := out.ReadString('\n')
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	id, err := Identify(pid)
	must(t, err)
	p, err := table.Open(id)
	must(t, err)
	t.Cleanup(p.Forget)
	return p
}

func TestZombieIsDead(t *testing.T) {
	table := newTable(t)
	_, in, out := another(t, "parent")
	p := openStranger(t, table, out)
	id := p.Identity()
	fmt.Fprintln(in, "exit 4")
	ended(t, p)
	if s, err := ReadStat(id.PID); err != nil || s.State != 'Z' {
		t.Fatalf("it is no zombie: state %c, %v", s.State, err)
	}
	if unix.Kill(id.PID, 0) != nil {
		t.Fatal("signal 0 does not reach the zombie, so this test proves nothing")
	}
	if lives, err := id.Lives(); lives || err != nil {
		t.Errorf("Lives() = %v, %v", lives, err)
	}
	if err := SignalIdentity(id, unix.SIGTERM); !errors.Is(err, ErrGone) {
		t.Errorf("a zombie took a signal: %v", err)
	}
	// Opened again it tells its exit at once.
	again, err := table.Open(id)
	must(t, err)
	if got := ended(t, again); got.Code != 4 || !got.Known {
		t.Errorf("exit of the zombie: %+v", got)
	}
	fmt.Fprintln(in, "reap")
	eventually(t, "reaped", func() bool { _, err := ReadStat(id.PID); return errors.Is(err, ErrGone) })
	if _, err := table.Open(id); !errors.Is(err, ErrGone) {
		t.Errorf("Open of a reaped process: %v", err)
	}
}

// modeReexec starts two children, one of which dies while nobody is there, and replaces
// itself.
func modeReexec() error {
	table, err := NewTable()
	if err != nil {
		return err
	}
	live, err := tryShell(table, "read x; exit $x")
	if err != nil {
		return err
	}
	dead, err := tryShell(table, "read x; exit $x", func(a *Attr) {})
	if err != nil {
		return err
	}
	if err := table.Close(); err != nil {
		return err
	}
	fmt.Fprintln(dead.in, "21")
	if _, err := io.ReadAll(dead.out); err != nil { // it has ended, or nearly so
		return err
	}
	if _, err := unix.FcntlInt(live.in.Fd(), unix.F_SETFD, 0); err != nil {
		return err
	}
	env := []string{modeVar + "=reexec2", fmt.Sprintf("LIVE=%d %d", live.PID(), live.Identity().StartTime),
		fmt.Sprintf("DEAD=%d %d", dead.PID(), dead.Identity().StartTime), fmt.Sprintf("FD=%d", live.in.Fd())}
	return unix.Exec("/proc/self/exe", []string{"reexec2"}, env)
}

// modeReexec2 is the same process after the upgrade: still the parent.
func modeReexec2() error {
	table, err := NewTable()
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		code int
	}{{"DEAD", 21}, {"LIVE", 9}} {
		id := Identity{BootID: table.BootID()}
		if _, err := fmt.Sscan(os.Getenv(c.name), &id.PID, &id.StartTime); err != nil {
			return err
		}
		p, err := table.Open(id)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if !p.Child() {
			return fmt.Errorf("%s: not seen as a child", c.name)
		}
		if c.name == "LIVE" {
			// Only now: an orphan-reaper that began before Open could have taken the
			// dead one's status.
			if err := table.ReapOrphans(); err != nil {
				return err
			}
			fd, _ := strconv.Atoi(os.Getenv("FD"))
			fmt.Fprintln(os.NewFile(uintptr(fd), "in"), c.code)
		}
		<-p.Done()
		if e, _ := p.Exit(); e != (Exit{Known: true, Code: c.code}) {
			return fmt.Errorf("%s: exit %+v, want code %d", c.name, e, c.code)
		}
	}
	fmt.Println("OK")
	return nil
}

func TestReexecKeepsExitStatusExact(t *testing.T) {
	_, _, out := another(t, "reexec")
	if b, err := io.ReadAll(out); err != nil || string(b) != "OK\n" {
		t.Errorf("%s %v", b, err)
	}
}

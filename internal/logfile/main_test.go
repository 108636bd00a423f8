package logfile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary is also the service that writes and the supd that rotates, so that both can be killed.
func TestMain(m *testing.M) {
	switch os.Getenv("LOGFILE_TEST_AS") {
	case "writer":
		writeNumbers(os.Args[1], os.Args[2])
	case "rotator":
		rotateForever(os.Args[1])
	default:
		os.Exit(m.Run())
	}
}

// writeNumbers writes numbered lines at full speed, each with one write(2), until its standard input ends, and then says how many.
func writeNumbers(path, pad string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		panic(err)
	}
	over := make(chan struct{})
	go func() {
		os.Stdin.Read(make([]byte, 1))
		close(over)
	}()
	for n := 0; ; n++ {
		select {
		case <-over:
			fmt.Println(n)
			return
		default:
		}
		// Lines of different lengths, so that cuts fall anywhere.
		line := fmt.Sprintf("%d %s\n", n, pad[:n*7%len(pad)])
		if w, err := f.WriteString(line); err != nil || w != len(line) {
			panic(fmt.Sprint(w, err))
		}
	}
}

func rotateForever(path string) {
	rule := Rule{Size: 64 << 10, Keep: 1 << 20}
	for {
		if _, err := Rotate(path, rule, time.Now()); err != nil && !errors.Is(err, os.ErrNotExist) {
			panic(err)
		}
	}
}

// play starts this binary in a role.
func play(t *testing.T, role string, args ...string) (*exec.Cmd, func() string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "LOGFILE_TEST_AS="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, func() string {
		in.Close()
		said, _ := bufio.NewReader(out).ReadString('\n')
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		return strings.TrimSpace(said)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// places are directories on file systems that rotate in each of the ways.
func places(t *testing.T, ways ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, way := range ways {
		dir := t.TempDir()
		if way != "collapse" {
			kind := map[string]string{"punch": "tmpfs", "truncate": "ramfs"}[way]
			if err := unix.Mount("none", dir, kind, 0, ""); errors.Is(err, unix.EPERM) {
				t.Logf("not allowed to mount a %s: %s is not tested", kind, way)
				continue
			} else {
				must(t, err)
			}
			t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
		}
		all[way] = dir
	}
	return all
}

// content is what stands in the rotated files and the log together, without what was blanked.
func content(t *testing.T, path string) string {
	t.Helper()
	lines, _, err := Tail(path, -1)
	must(t, err)
	return strings.Join(lines, "\n")
}

// numbered checks that each file's lines go on where the one before ended.
func numbered(t *testing.T, path, want string) {
	t.Helper()
	list, err := List(path)
	must(t, err)
	next := 0
	for _, p := range append(list, Rotated{Path: path}) {
		b, err := os.ReadFile(p.Path)
		must(t, err)
		for line := range strings.Lines(unblanked(strings.TrimLeft(string(b), "\x00"))) { // zeros: the hole
			word, _, _ := strings.Cut(line, " ")
			if n, err := strconv.Atoi(word); err != nil || n != next || !strings.HasSuffix(line, "\n") {
				t.Fatalf("%s: want line %d, got %.60q", filepath.Base(p.Path), next, line)
			}
			next++
		}
	}
	if strconv.Itoa(next) != want {
		t.Fatalf("%d lines are there, %s were written", next, want)
	}
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Signal(syscall.SIGKILL))
	cmd.Wait()
}

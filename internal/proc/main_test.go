package proc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/await"
)

// patience bounds every wait for something that has to happen at once.
const patience = await.Patience

// modeVar makes the test binary another program: what must not happen in the test's own
// process (subreaper, re-exec) runs there.
const modeVar = "PROC_TEST_MODE"

func TestMain(m *testing.M) {
	mode := os.Getenv(modeVar)
	if mode == "" {
		os.Exit(m.Run())
	}
	run := map[string]func() error{
		"parent":    modeParent,
		"subreaper": modeSubreaper,
		"reexec":    modeReexec,
		"reexec2":   modeReexec2,
		"tracer":    modeTracer,
	}[mode]
	if run == nil {
		fmt.Println("unknown mode", mode)
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// another runs this test binary in a mode. in and out are its stdin and stdout.
func another(t *testing.T, mode string, env ...string) (cmd *exec.Cmd, in *os.File, out *bufio.Reader) {
	t.Helper()
	inR, inW, err := os.Pipe()
	must(t, err)
	outR, outW, err := os.Pipe()
	must(t, err)
	cmd = exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), modeVar+"="+mode), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, os.Stderr
	must(t, cmd.Start())
	inR.Close()
	outW.Close()
	outR.SetReadDeadline(time.Now().Add(2 * patience))
	t.Cleanup(func() {
		inW.Close()
		outR.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, inW, bufio.NewReader(outR)
}

func newTable(t testing.TB) *Table {
	t.Helper()
	table, err := NewTable()
	must(t, err)
	t.Cleanup(func() { must(t, table.Close()) })
	return table
}

// kid is a child that ends when it is told to.
type kid struct {
	*Process
	in  *os.File
	out *bufio.Reader
}

// heard is the next line of its stdout.
func (k *kid) heard(t testing.TB) string {
	t.Helper()
	line, err := k.out.ReadString('\n')
	must(t, err)
	return strings.TrimSpace(line)
}

// shell starts a shell script as a child of the table.
func shell(t testing.TB, table *Table, script string, change ...func(*Attr)) *kid {
	t.Helper()
	k, err := tryShell(table, script, change...)
	must(t, err)
	t.Cleanup(func() {
		unix.Kill(-k.PID(), unix.SIGKILL)
		k.Signal(unix.SIGKILL)
		ended(t, k.Process)
		k.in.Close()
	})
	return k
}

func tryShell(table *Table, script string, change ...func(*Attr)) (*kid, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a := Attr{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Files: []uintptr{inR.Fd(), outW.Fd(), 2}}
	for _, c := range change {
		c(&a)
	}
	p, err := table.Start(a)
	inR.Close()
	outW.Close()
	if err != nil {
		return nil, err
	}
	outR.SetReadDeadline(time.Now().Add(patience))
	return &kid{Process: p, in: inW, out: bufio.NewReader(outR)}, nil
}

// ended waits for the exit.
func ended(t testing.TB, p *Process) Exit {
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

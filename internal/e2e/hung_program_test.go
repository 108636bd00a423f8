package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Programs whose open hangs (a dead file server; here a write lease that nobody gives up, fcntl(2)) keep their own services down,
// and nobody else from a lock or a restart.
func TestAProgramThatCannotBeOpenedHangsAlone(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	program := d.path("program")
	lease := leased(t, program)
	text, far := quick+service("web", ""), ""
	for i := range 12 { // more than supd does at the same time on two processors
		far = fmt.Sprint("far", i)
		text += fmt.Sprintf("\n[service.%s]\ncommand = [%q, \"1000\"]\n", far, program)
	}
	d.config(text)
	d.start()
	eventually(t, "somebody opens the program", func() string {
		if kind, err := unix.FcntlInt(lease.Fd(), unix.F_GETLEASE, 0); err != nil || kind == unix.F_WRLCK {
			return fmt.Sprint("lease ", kind, err)
		}
		return ""
	})
	began := time.Now()
	for range 3 {
		pid := d.up("web")[0]
		d.shoot("web", unix.SIGKILL)
		d.again("web", pid)
		d.ctl("maintenance", "start", "web").wants(t, 0, "LOCKED")
		for range 20 { // the collector, which stops everybody for a moment, comes to run
			d.status("web")
		}
		d.ctl("maintenance", "end", "web").wants(t, 0, "RELEASED")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if s := d.status(far); s.State == "up" {
		t.Errorf("%s is up: nothing hung", far)
	}
}

// leased makes a program that cannot be opened for as long as the kernel lets a lease be, fs.lease-break-time.
func leased(t *testing.T, path string) *os.File {
	t.Helper()
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	return f
}

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// reboot is what a power cut is for supd: every process of its services dies with it, its run directory is empty, and the
// boot id is another one (bound over the kernel's in supd's own mount name space). What was fsynced is still there.
func (d *daemon) reboot() {
	d.t.Helper()
	needsRoot(d.t)
	d.kill9()
	for range 50 {
		if !d.killLeft() {
			break
		}
	}
	if err := os.RemoveAll(d.path("run")); err != nil {
		d.t.Fatal(err)
	}
	d.boots++
	id := d.path("boot_id")
	text := "00000000-0000-4000-8000-" + strings.Repeat("0", 11) + strconv.Itoa(d.boots) + "\n"
	if err := os.WriteFile(id, []byte(text), 0o444); err != nil {
		d.t.Fatal(err)
	}
	d.start()
}

// secondBoot is the role of supd on a host that booted again: it hides the kernel's boot id, then becomes supd.
func secondBoot(args []string) int {
	os.Setenv("E2E_BOOTED", "1")
	err := unix.Mount(args[0], "/proc/sys/kernel/random/boot_id", "", unix.MS_BIND, "")
	if err == nil {
		err = syscall.Exec(args[1], args[1:], os.Environ())
	}
	os.Stderr.WriteString("cannot boot again: " + err.Error() + "\n")
	return 1
}

// A reboot of these tests is one for supd: it sees another boot id.
func TestRebootChangesTheBootID(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.reboot()
	d.up("db")
	d.waitStarts("db", 2)
	notes, err := filepath.Glob(d.path("run/proc/db.json"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("no note of db's process: %v", err)
	}
	text, err := os.ReadFile(notes[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "00000000-0000-4000-8000-") {
		t.Fatalf("the process's note has the kernel's boot id: %s", text)
	}
}

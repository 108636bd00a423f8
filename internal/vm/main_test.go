package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// image and blank are made once by TestMain: what machines boot, and an empty file system.
var image, blank = (*Image)(nil), []byte(nil)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supd-vm")
	if err == nil {
		defer os.RemoveAll(dir)
		if image, err = NewImage(dir); err == nil {
			blank, err = fileSystem(dir)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// diskBytes leaves room for ext4's journal and little else.
const diskBytes = 32 << 20

func fileSystem(dir string) ([]byte, error) {
	file := filepath.Join(dir, "ext4")
	if err := os.WriteFile(file, make([]byte, diskBytes), 0o600); err != nil {
		return nil, err
	}
	mkfs := exec.Command("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", file)
	mkfs.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := mkfs.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot make a file system: %w\n%s", err, out)
	}
	return os.ReadFile(file)
}

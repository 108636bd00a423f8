package nspawn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// share is what the container sees as /shared: the built programs and the unit. Made once by TestMain.
var share string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supd-nspawn")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "github.com/supd/supd/cmd/supd", "github.com/supd/supd/cmd/supctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the programs: %v\n%s", err, out)
		return 1
	}
	unit, err := os.ReadFile("../../systemd/supd.service")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "supd.service"), unit, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	share = dir
	return m.Run()
}

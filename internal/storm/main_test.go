package storm

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// programs are where TestMain built them. They are set once, before any test.
var programs struct{ supd, supctl, self string }

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			os.Exit(role(os.Args[2:]))
		}
	}
	os.Exit(runTests(m))
}

// roles are what the test binary is when it is started under this name.
var roles = map[string]func(args []string) int{"witness": witness, "ask": ask, "person": person}

func runTests(m *testing.M) int {
	// As under nohup(1): a program that has just begun catches no SIGHUP yet and would die of the weather's, as every program does.
	signal.Ignore(syscall.SIGHUP)
	dir, err := os.MkdirTemp("", "supd-storm")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	return m.Run()
}

func build(dir string) error {
	args := append([]string{"build"}, buildFlags...)
	cmd := exec.Command("go", append(args, "-o", dir+"/", "../../cmd/supd", "../../cmd/supctl")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build supd: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs.supd, programs.supctl, programs.self = filepath.Join(dir, "supd"), filepath.Join(dir, "supctl"), self
	return nil
}

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// roles are what the test binary is when a service or a test starts it under this name.
var roles = map[string]func(args []string) int{"witness": witness, "person": person, "typist": typist, "second-boot": secondBoot, "nanny": nanny, "reaper": reaper, "talker": talker, "say": sayOnce, "keeper": journalKeeper, "answerer": answerer}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supd-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes the two programs, and a copy of the test binary that other users may execute.
func build(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	// supctl runs thousands of times in these tests; under the race detector each would cost a second.
	for program, flags := range map[string][]string{"supd": buildFlags, "supctl": nil} {
		args := append(append([]string{"build"}, flags...), "-o", dir+"/", "../../cmd/"+program)
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", program, err, out)
		}
	}
	programs.supd, programs.supctl = filepath.Join(dir, "supd"), filepath.Join(dir, "supctl")
	programs.self = filepath.Join(dir, "e2e-witness")
	binary, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(programs.self, binary, 0o755)
	}
	return err
}

// needsRoot skips what only root can set up: cgroups, users, logins.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: needs other users and login uids")
	}
}

package proc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeCgroups is a tree of plain files: the controllers of a real one are tested where
// there are some. parent, base, service and instance have the controllers in their turn.
func fakeCgroups(t *testing.T, controllers string) *Cgroups {
	t.Helper()
	base := filepath.Join(t.TempDir(), "supd-fake")
	must(t, os.Mkdir(base, 0o755))
	write(t, base, "cgroup.type", "domain\n")
	c, err := CgroupsAt(base)
	must(t, err)
	g, err := c.Make("db", 1)
	must(t, err)
	for _, dir := range []string{filepath.Dir(base), base, filepath.Dir(g.Path)} {
		write(t, dir, "cgroup.controllers", controllers+"\n")
		write(t, dir, "cgroup.subtree_control", "\n")
	}
	return c
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return strings.TrimSpace(string(b))
}

var memory = CgroupLimit{Key: "limits.memory", Controller: "memory", File: "memory.max", Value: "1048576"}

func TestControllersAreHandedDown(t *testing.T) {
	c := fakeCgroups(t, "cpu memory pids")
	g := c.Generation("db", 1)
	// In the real tree the file appears; here it cannot, which is an error of its own.
	var none *ControllerError
	if err := c.Limit("db", 1, []CgroupLimit{memory}); !errors.As(err, &none) || !strings.Contains(err.Error(), "memory.max does not exist") {
		t.Errorf("%v", err)
	}
	for _, dir := range []string{filepath.Dir(c.Base()), c.Base(), c.Service("db").Path} {
		if got := content(t, dir, "cgroup.subtree_control"); got != "+memory" {
			t.Errorf("%s hands down %q", dir, got)
		}
	}
	if _, err := os.Stat(filepath.Join(g.Path, "memory.max")); err == nil {
		t.Error("a file was made in a cgroup")
	}
}

func TestLimitsAreWrittenAndTakenBack(t *testing.T) {
	c := fakeCgroups(t, "memory")
	g := c.Generation("db", 1)
	write(t, g.Path, "memory.max", "max\n")
	must(t, c.Limit("db", 1, []CgroupLimit{memory}))
	if got := content(t, g.Path, "memory.max"); got != "1048576" {
		t.Errorf("memory.max is %q", got)
	}
	if got := content(t, c.Base(), "cgroup.subtree_control"); got != "" {
		t.Errorf("the controller was there, and %q was written", got)
	}
	lifted := memory
	lifted.Value = ""
	must(t, c.Limit("db", 1, []CgroupLimit{lifted, {Key: "limits.tasks", Controller: "pids", File: "pids.max"}}))
	if got := content(t, g.Path, "memory.max"); got != "max" {
		t.Errorf("the lifted memory.max is %q", got)
	}
}

func TestNoController(t *testing.T) {
	c := fakeCgroups(t, "cpu")
	err := c.Limit("db", 1, []CgroupLimit{memory})
	want := "cannot enforce limits.memory: there is no memory controller for services: " + filepath.Dir(c.Base()) +
		" has only cpu; it takes cgroup v2 with all controllers, delegated to supd (Delegate=yes)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

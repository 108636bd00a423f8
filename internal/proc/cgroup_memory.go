package proc

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Unreclaimable is how many bytes of the cgroup's memory the kernel cannot drop by
// itself (swap left aside): a limit below that makes it kill. False where it is not
// counted.
func (g *Cgroup) Unreclaimable() (bytes uint64, ok bool) {
	b, err := os.ReadFile(filepath.Join(g.Path, "memory.stat"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "anon" && name != "shmem" {
			continue
		}
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			bytes, ok = bytes+n, true
		}
	}
	return bytes, ok
}

// Offers says whether the controller is there for supd's subtree.
func (c *Cgroups) Offers(controller string) bool {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(c.base), "cgroup.controllers"))
	return err == nil && slices.Contains(strings.Fields(string(b)), controller)
}

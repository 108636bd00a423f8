package e2e

import (
	"fmt"
	"syscall"
	"testing"
)

// A service that is ready the moment it runs, faster than supd has written down that it started it, was taken for a stranger
// and never became up.
func TestReadyBeforeTheStartIsWrittenDown(t *testing.T) {
	t.Parallel()
	var names []string
	text := quick
	for i := range 20 {
		names = append(names, fmt.Sprint("s", i))
		text += service(names[i], "ready = \"notify\"\n", "-ready-after", "0s")
	}
	d := started(t, text)
	for range 3 {
		for _, pid := range d.up(names...) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		eventually(t, "all are back", func() string {
			for _, n := range names {
				if all := d.starts(n); len(all) < 2 {
					return n + " is not"
				}
			}
			return ""
		})
	}
	d.up(names...)
}

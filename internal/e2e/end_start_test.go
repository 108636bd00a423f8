package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestEndStartWaitsAndSomebodyElseLocks: `maintenance end --start` waits for a prerequisite, and meanwhile somebody else
// locks the service. The start is the first person's own, but the service is no longer theirs alone.
func TestEndStartWaitsAndSomebodyElseLocks(t *testing.T) {
	d := started(t, quick+service("disk", "autostart = true\nready = \"notify\"\n", "-ready-if", "$DIR/mounted")+
		service("db", "autostart = false\ndepends_on = [\"disk\"]\n"))
	anna, bert := d.login(6001, 0), d.login(6002, 0)
	anna.ctl("maintenance", "start", "db").wants(t, 0)
	end := make(chan result, 1)
	go func() {
		// Progress goes to standard error, which says when the start has begun to wait.
		argv := []string{"sh", "-c", `exec "$@" 2>` + d.path("said"), "sh"}
		end <- anna.types(append(argv, d.argv([]string{"maintenance", "end", "db", "--start"})...))
	}()
	eventually(t, "the start waits for disk", func() string {
		said, _ := os.ReadFile(d.path("said"))
		if !strings.Contains(string(said), "disk") {
			return "it says only: " + string(said)
		}
		return ""
	})
	bert.ctl("maintenance", "start", "db").wants(t, 0)
	d.touch("mounted")
	d.finish(end).wants(t, 5)
	if all := d.starts("db"); len(all) > 0 {
		t.Errorf("db was started under the lock of somebody else: %v", all)
	}
	anna.ctl("maintenance", "end", "db").wants(t, 0) // bert's remains
}

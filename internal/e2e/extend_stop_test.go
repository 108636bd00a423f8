package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// EXTEND_TIMEOUT_USEC= puts off the end of a start, not of a stop: stop.timeout is how long a lock waits at most, and the
// service does not decide that.
func TestExtendTimeoutDoesNotPutOffAStop(t *testing.T) {
	t.Parallel()
	const script = `trap 'SELF say EXTEND_TIMEOUT_USEC=600000000; echo x > told' TERM; SELF say READY=1; while :; do sleep 0.01; done`
	d := started(t, quick+fmt.Sprintf("\n[service.db]\ncommand = [\"sh\", \"-c\", %q]\ndir = \"$DIR\"\nready = \"notify\"\n[service.db.stop]\ntimeout = \"2s\"\n",
		strings.ReplaceAll(script, "SELF", programs.self)))
	pid := d.up("db")[0]
	d.finish(d.ctlAsync("stop", "db")).wants(t, 0)
	if _, err := os.Stat(d.path("told")); err != nil {
		t.Errorf("it never asked for more time: %v", err)
	}
	if alive(pid) || !strings.Contains(d.log(), "did not end in time and was killed") {
		t.Errorf("alive: %v", alive(pid))
	}
}

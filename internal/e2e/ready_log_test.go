package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// chatty is a service of a shell script whose output goes to a file, up by a line of it.
func chatty(script, more string) string {
	return fmt.Sprintf("\n[service.a]\ncommand = [\"sh\", \"-c\", %q]\ndir = \"$DIR\"\nlog = \"file\"\nready = \"log:listening on \\\\d+$\"\n%s\n", script, more)
}

func TestReadyByALineOfTheLog(t *testing.T) {
	t.Parallel()
	wait := "until [ -e go ]; do read -t 0.05 x < /dev/null; sleep 0.02; done; "
	d := started(t, quick+chatty("echo starting; "+wait+"echo listening on 80; exec sleep 1000", ""))
	d.waitState("a", "starting")
	never(t, "it is up without its line", calm, func() string {
		if s := d.status("a"); s.State != "starting" {
			return s.State
		}
		return ""
	})
	d.touch("go")
	d.waitState("a", "up")
	// The line of the instance before does not make the next one ready.
	d.untouch("go")
	if r := d.ctl("restart", "a", "--no-wait"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	d.waitState("a", "starting")
	never(t, "it is up by an old line", calm, func() string {
		if s := d.status("a"); s.State == "up" {
			return s.State
		}
		return ""
	})
	// Nor does it have to be started again when supd is.
	d.touch("go")
	d.waitState("a", "up")
}

// A line without an end counts too, and what is written before it does not hold it up for ever.
func TestReadyByALineAfterAFlood(t *testing.T) {
	t.Parallel()
	d := started(t, quick+chatty("head -c 3000000 /dev/zero | tr '\\\\0' x; yes | head -c 3000000; printf 'listening on 80'; exec sleep 1000", ""))
	d.waitState("a", "up")
}

func TestLineThatNeverComes(t *testing.T) {
	t.Parallel()
	d := started(t, quick+chatty("echo listening on nothing; exec sleep 1000", "ready_timeout = \"300ms\"\n[service.a.restart]\nlimit = \"2 in 1m\""))
	d.waitHold("a", "restart-limit")
	if out := d.ctl("explain", "a").Out; !strings.Contains(out, "not ready within") {
		t.Errorf("explain does not say it:\n%s", out)
	}
}

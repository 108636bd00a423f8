package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// flooder writes as fast as a shell can have it.
const flooder = `
[service.flood]
command = ["/bin/sh", "-c", "exec yes 'a line of a service that has gone mad, and does not stop'"]
log = "file"
log_file = "$DIR/logs/flood.log"
log_rotate = { size = "1M", keep = 2 }
ready = "delay:1ms"
`

// A service that floods fills the disk no further than it may, and nobody else notices.
func TestAFloodDisturbsNobody(t *testing.T) {
	t.Parallel()
	d := started(t, quick+flooder+service("web", ""))
	d.waitState("flood", "up")
	eventually(t, "rotations", func() string {
		if list, _ := filepath.Glob(d.path("logs/flood.log.2*")); len(list) < 1 {
			return "none yet"
		}
		return ""
	})
	for n := range 5 {
		d.up("web")
		d.shoot("web", syscall.SIGKILL)
		d.waitStarts("web", n+2)
	}
	// Rotated files are bounded at any time; the log itself is taken care of each few milliseconds.
	var total int64
	list, err := filepath.Glob(d.path("logs/flood.log.2*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if st, err := os.Stat(p); err == nil {
			total += st.Size()
		}
	}
	const keep = 2 // as the config says; one more while a rotation goes on
	if len(list) > keep+1 || total > 4<<20 {
		t.Errorf("%d rotated files with %d bytes", len(list), total)
	}
	r := d.ctl("logs", "flood", "-n", "3")
	if r.Code != 0 || strings.Count(r.Out, "a line of a service that has gone mad, and does not stop\n") != 3 {
		t.Errorf("%s", r.both())
	}
}

// A log that cannot be opened costs a service its output, and not its life; status says so, until a start finds it mended.
func TestAServiceStartsWithoutItsLog(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+fmt.Sprintf("%s%s", strings.Replace(flooder, "logs/flood", "blocked/flood", 1), service("web", "")))
	if err := os.WriteFile(d.path("blocked"), nil, 0o600); err != nil { // where its directory should be
		t.Fatal(err)
	}
	d.start()
	d.up("web")
	d.waitState("flood", "up")
	if r := d.ctl("status"); !strings.Contains(r.both(), `the output of "flood" is lost`) {
		t.Errorf("status does not say so: %s", r.both())
	}
	if err := os.Remove(d.path("blocked")); err != nil {
		t.Fatal(err)
	}
	d.ctl("restart", "flood", "-m", "mended").wants(t, 0)
	if r := d.ctl("status"); strings.Contains(r.both(), "is lost") {
		t.Errorf("status still says so: %s", r.both())
	}
	if st, err := os.Stat(d.path("blocked/flood.log")); err != nil || st.Size() == 0 {
		t.Errorf("its output is not there: %v", err)
	}
}

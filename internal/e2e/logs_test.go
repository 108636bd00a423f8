package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// flooder writes as fast as a pipe lets it, and no more than a disk can take if nobody rotates.
const flooder = `
[service.flood]
command = ["/bin/sh", "-c", "yes 'a line of a service that has gone mad, and does not stop' | head -c 600000000; echo; echo over; exec sleep 1000"]
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
	const keep = 2 // as the config says, like the size of 1M
	eventually(t, "what is kept of the flood", func() string {
		list, _ := filepath.Glob(d.path("logs/flood.log*"))
		var blocks int64
		for _, p := range list {
			if st, err := os.Stat(p); err == nil {
				blocks += st.Sys().(*syscall.Stat_t).Blocks * 512
			}
		}
		if len(list) > keep+1 || blocks > (keep+2)<<20 {
			return fmt.Sprintf("%d files with %d bytes", len(list), blocks)
		}
		if r := d.ctl("logs", "flood", "-n", "1"); r.Out != "over\n" {
			return "it still writes: " + r.both()
		}
		return ""
	})
	r := d.ctl("logs", "flood", "-n", "4")
	if r.Code != 0 || strings.Count(r.Out, "a line of a service that has gone mad, and does not stop\n") < 2 {
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
	eventually(t, "its output is there", func() string {
		if st, err := os.Stat(d.path("blocked/flood.log")); err != nil || st.Size() == 0 {
			return fmt.Sprint("none; ", err)
		}
		return ""
	})
}

package e2e

import (
	"strings"
	"testing"
)

// What a person was told is done stands in the record, even if supd is killed the moment after.
func TestWhatWasAnsweredIsInTheRecordAfterKill(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	for _, step := range []struct {
		args []string
		kind string
		text string
	}{
		{[]string{"maintenance", "start", "db", "-m", "new disk"}, "maintenance.started", "new disk"},
		{[]string{"maintenance", "extend", "db", "--for", "9h"}, "maintenance.extended", "db"},
		{[]string{"maintenance", "end", "db"}, "maintenance.ended", "db"},
		{[]string{"restart", "web", "-m", "new binary"}, "service.starting", "new binary"},
		{[]string{"stop", "web", "-m", "not needed"}, "service.stopped", "web"},
	} {
		d.ctl(step.args...).wants(t, 0)
		d.kill9()
		r := d.ctl("events", "--type", step.kind)
		if !strings.Contains(r.Out, step.text) {
			t.Errorf("%v: supd was killed, and the record does not know: %s", step.args, r.both())
		}
		d.start()
	}
}

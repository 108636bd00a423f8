package e2e

import (
	"strings"
	"testing"
	"time"
)

// A start that named one target that its owner held already and one new one brought both down, and left the old lock as it
// was: with its old words, not meant down, and so not watched for what is started under it.
func TestStartUpdatesWhatIsHeldBesideWhatIsNew(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("old", "")+service("new", ""))
	for _, mode := range []string{"through supd", "without supd"} {
		if mode == "through supd" {
			d.up("old", "new")
		} else {
			d.ctl("maintenance", "end", "--mine", "--leave-stopped").wants(t, 0)
			d.kill9()
		}
		d.ctl("maintenance", "start", "old", "-m", "first").wants(t, 0)
		start := []string{"maintenance", "start", "new", "old", "-m", "second", "--ticket", "T9", "--for", "9h"}
		if mode == "through supd" {
			start = append(start, "--stop")
		}
		d.ctl(start...).wants(t, 0, "you held the lock on old already; it was updated")
		locks := d.locks()
		if len(locks) != 2 {
			t.Fatalf("%s: %d locks", mode, len(locks))
		}
		for _, l := range locks {
			if l.Reason != "second" || l.Ticket != "T9" || l.Until == nil || time.Until(*l.Until) < 8*time.Hour || l.Stopped != (mode == "through supd") {
				t.Errorf("%s: %+v", mode, l)
			}
		}
	}
	d.start()
	texts := []string{}
	for _, e := range d.events("old", "maintenance.started") {
		texts = append(texts, e.Text)
	}
	if len(texts) != 2 || !strings.Contains(texts[0], "first") || !strings.Contains(texts[1], "second") {
		t.Errorf("the record of old: %q", texts)
	}
}

package e2e

import (
	"strings"
	"testing"
)

// The same command of one person in one session, typed many times at once, is one lock: through supd, without it, and half of each.
func TestTheSameStartAtOnceIsOneLock(t *testing.T) {
	t.Parallel()
	const n = 8
	for _, c := range []struct {
		name   string
		direct func(i int) bool // past supd, which runs
		dead   bool             // there is no supd
	}{
		{"through supd", func(int) bool { return false }, false},
		{"half of each", func(i int) bool { return i%2 == 0 }, false},
		{"without supd", func(int) bool { return true }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := started(t, quick+service("db", ""))
			d.up("db")
			if c.dead {
				d.kill9()
			}
			ends := make([]<-chan result, n)
			for i := range ends {
				args := []string{"maintenance", "start", "db", "-m", "disk"}
				if c.direct(i) {
					args = append(args, "--socket", d.path("nobody-listens"), "--state-dir", d.state(""), "--config", d.path("supd.toml"))
				}
				ends[i] = d.ctlAsync(args...)
			}
			fresh := 0
			for _, end := range ends {
				r := d.finish(end).wants(t, 0, "LOCKED")
				if !strings.Contains(r.Out+r.Err, "you held the lock on db already; it was updated") {
					fresh++
				}
			}
			if locks := d.locks(); len(locks) != 1 || fresh != 1 {
				t.Errorf("%d commands took a lock, %d said that there was none before: %+v", n, fresh, locks)
			}
		})
	}
}

package supervisor

import (
	"time"

	"github.com/supd/supd/internal/proc"
)

// talk is what one instance of a service says by sd_notify. Its service's mu guards it.
type talk struct {
	socket    *proc.NotifySocket // nil: it has none
	gen       uint64             // the instance
	watchdog  time.Duration      // how far apart its signs of life may be; 0: none are expected
	status    string
	ready     bool // it said so, and the core was told
	reloading bool
	stopping  bool
	reload    *reloading      // supd waits for the end of its reload
	ignored   map[string]bool // reasons for which a message was ignored, each said once
}

// reloading is a reload that supd asked for and waits for.
type reloading struct {
	after time.Duration // CLOCK_MONOTONIC; what was said before means an earlier reload
	begun bool
	done  chan struct{}
}

// begin forgets what the instance before said. The socket stays: it is opened before the instance is started.
func (t *talk) begin(gen uint64, watchdog time.Duration) {
	*t = talk{socket: t.socket, gen: gen, watchdog: watchdog}
}

// says is one line about what it does; "" if it says nothing.
func (t *talk) says() string {
	text := t.status
	switch {
	case t.stopping:
		text = "is stopping by itself: " + text
	case t.reloading:
		text = "is reloading: " + text
	default:
		return text
	}
	if t.status == "" {
		return text[:len(text)-len(": ")]
	}
	return text
}

package lockfile

import (
	"fmt"
	"strings"
	"time"
)

// GuardBy begins Record.By of a command that `supctl guard` runs; Reason is its command line then.
const GuardBy = "supctl guard by "

// Interruption says in words what became of an action whose maker did not live to see its end, for whoever has to look after it. Only for
// records that the gate or Recover found to be dead.
func (r Record) Interruption() string {
	at := r.Since.Format(time.RFC3339)
	if r.guarded() {
		if r.Script.PID == 0 {
			return fmt.Sprintf("%s did not live to begin its command on %q, which was not run: %s (at %s, pid %d)", r.By, r.Service, r.Reason, at, r.Maker.PID)
		}
		return fmt.Sprintf("%s (pid %d) did not live to see the end of its command on %q, begun %s: %s; the command (pid %d) has ended since, nobody knows how",
			r.By, r.Maker.PID, r.Service, at, r.Reason, r.Script.PID)
	}
	by := r.By
	if by == "" {
		by = "supd"
	}
	text := fmt.Sprintf("the %s of %q was cut short: begun %s by %s, and pid %d, which was doing it, has died in phase %q", r.Verb, r.Service, at, by, r.Maker.PID, r.Phase)
	if r.Phase == PhaseStopped {
		return text + ": it was stopped and not started again"
	}
	return text + ": it may be half done"
}

func (r Record) guarded() bool { return r.Verb == VerbExec && strings.HasPrefix(r.By, GuardBy) }

// InFlight is what is being done to a service right now, for display: no gate is taken, so it may be over when it is read. false: nothing.
func (d *Dir) InFlight(service string) (InFlight, bool) {
	r := d.recordForDisplay(service)
	return InFlight{service, r}, r != nil && r.BootID == d.boot && r.Phase != PhaseDone && (r.Maker.Alive() || d.alive(r))
}

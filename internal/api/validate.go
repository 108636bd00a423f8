package api

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/lockfile"
)

// Limits of a request's parts.
const (
	targetsMax     = 10_000
	reasonBytesMax = 4 << 10
	ticketBytesMax = 256
	idBytesMax     = 64
	durationMax    = 10 * 365 * 24 * time.Hour
)

// Valid judges a request's form as the server does, for who does without a server what it would have done. in is a
// pointer to a request of this package.
func Valid(in any) error {
	if v, ok := in.(validator); ok {
		return v.validate()
	}
	return nil
}

// A request judges its own form: what can be said without knowing any service.
type validator interface{ validate() error }

func (a *Action) validate() error {
	if !slices.Contains([]string{"start", "stop", "restart", "reload", "signal"}, a.Verb) {
		return Errorf(CodeUsage, "unknown verb %q: want start, stop, restart, reload or signal", a.Verb)
	}
	if (a.Verb == "signal") != (a.Signal != "") {
		return Errorf(CodeUsage, `"signal" names the signal for the verb signal, and goes with no other`)
	}
	if (a.Override || a.OverrideInterlock) && strings.TrimSpace(a.Reason) == "" {
		return Errorf(CodeUsage, "an override needs a reason").WithNext("the same command with -m REASON")
	}
	return first(targets(a.Targets), text("reason", a.Reason, reasonBytesMax), seconds("timeout_s", a.TimeoutS))
}

func (w *Wait) validate() error {
	if !slices.Contains([]string{"up", "down", "ready"}, w.For) {
		return Errorf(CodeUsage, "cannot wait for %q: want up, down or ready", w.For)
	}
	return first(targets(w.Targets), seconds("timeout_s", w.TimeoutS))
}

func (m *MaintenanceStart) validate() error {
	names := make([]string, len(m.Locks))
	seen := map[string]bool{}
	for i, l := range m.Locks {
		names[i] = l.Target
		if err := id("id", l.ID); err != nil {
			return err
		}
		if seen[l.ID] {
			return Errorf(CodeUsage, "two locks have the id %q", l.ID)
		}
		seen[l.ID] = true
	}
	return first(targets(names), text("reason", m.Reason, reasonBytesMax), text("ticket", m.Ticket, ticketBytesMax),
		seconds("for_s", m.ForS), seconds("wait_s", m.WaitS))
}

func (m *MaintenanceReady) validate() error {
	return first(ids(m.IDs), text("reason", m.Reason, reasonBytesMax), text("ticket", m.Ticket, ticketBytesMax))
}

func (m *MaintenanceEnd) validate() error {
	if m.Start && m.LeaveStopped {
		return Errorf(CodeUsage, `"start" and "leave_stopped" contradict each other`)
	}
	return first(ids(m.IDs), seconds("wait_s", m.WaitS))
}

func (m *MaintenanceBreak) validate() error {
	if strings.TrimSpace(m.Reason) == "" {
		return Errorf(CodeUsage, "breaking a lock needs a reason").WithNext("supctl maintenance break ID --reason TEXT")
	}
	return first(id("id", m.ID), id("new_id", m.NewID), text("reason", m.Reason, reasonBytesMax), seconds("wait_s", m.WaitS))
}

func (m *MaintenanceMend) validate() error {
	if strings.TrimSpace(m.Reason) == "" {
		return Errorf(CodeUsage, "mending needs a reason").WithNext("supctl maintenance mend FILE --reason TEXT")
	}
	if !strings.HasPrefix(m.File, "/") || strings.ContainsRune(m.File, 0) {
		return Errorf(CodeUsage, "\"file\" has to be a path from the root: %q", m.File)
	}
	return first(id("new_id", m.NewID), text("reason", m.Reason, reasonBytesMax), seconds("wait_s", m.WaitS))
}

func (m *MaintenanceExtend) validate() error {
	if m.ForS == 0 {
		return Errorf(CodeUsage, `"for_s" says how long from now; it must not be 0`)
	}
	return first(ids(m.IDs), seconds("for_s", m.ForS))
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func targets(list []string) error {
	if len(list) == 0 {
		return Errorf(CodeUsage, "no target: name a service, @group or --all")
	}
	if len(list) > targetsMax {
		return Errorf(CodeUsage, "%d targets, limit %d", len(list), targetsMax)
	}
	for _, t := range list {
		if _, err := lockfile.ParseTarget(t); err != nil {
			return Errorf(CodeUsage, "%v", err)
		}
	}
	return nil
}

func ids(list []string) error {
	if len(list) == 0 {
		return Errorf(CodeUsage, "no lock named: ids must not be empty")
	}
	for _, i := range list {
		if err := id("ids", i); err != nil {
			return err
		}
	}
	return nil
}

// id accepts what can be a lock's id, which becomes a file's name.
func id(field, s string) error {
	ok := s != "" && len(s) <= idBytesMax && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
	if !ok {
		return Errorf(CodeUsage, "%s: %.80q is no lock id", field, s)
	}
	return nil
}

func text(field, s string, bytesMax int) error {
	if len(s) > bytesMax {
		return Errorf(CodeUsage, "%s has %d bytes, limit %d", field, len(s), bytesMax)
	}
	if strings.ContainsRune(s, 0) {
		return Errorf(CodeUsage, "%s contains a NUL", field)
	}
	return nil
}

func seconds(field string, s float64) error {
	if math.IsNaN(s) || s < 0 || s > durationMax.Seconds() {
		return Errorf(CodeUsage, "%s: %.0f seconds is out of range: 0 to %d days", field, s, durationMax/(24*time.Hour))
	}
	return nil
}

// Seconds turns a field ending in _s into a duration.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

package core

import (
	"fmt"
	"strings"
	"time"
)

// Explain says of a service, in lines for a person, what it is and why, what
// holds it, what supd does next and when. It changes nothing. An unknown service
// has no lines.
func Explain(st *State, service string, now Instant) []string {
	s := st.Services[service]
	if s == nil {
		return nil
	}
	c := turn{st: st, now: now}
	lines := []string{fmt.Sprintf("%q is %s, for %v now: %s; wanted %s", service, s.Phase, span(now, s.Since), s.Why, s.Want)}
	if s.Orphaned {
		lines = append(lines, "it is no longer in the configuration and goes on as it was")
	}
	for _, h := range s.EffectiveHolds() {
		lines = append(lines, fmt.Sprintf("%s: %s; ends with: %s", h.Kind, h, s.endOf(h)))
	}
	lines = append(lines, c.explainNext(s)...)
	for _, f := range s.Failing {
		lines = append(lines, fmt.Sprintf("check %q fails (%s): %s", f.Check, f.OnFail, f.Reason))
	}
	for _, id := range s.Queue {
		p := st.Requests[id]
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s asked by %s is under way. %s", p.Request.Verb, p.Request.By, p.Told)))
	}
	return lines
}

// endOf names the command that ends a hold.
func (s *Service) endOf(h Hold) string {
	switch h.Kind {
	case HoldLock:
		target := h.Target
		if target == "" { // of an older supd
			target = s.Spec.Name
		}
		return "supctl maintenance end " + target + " (by its owner)"
	case HoldOperatorStop, HoldRestartLimit:
		return s.startHint()
	case HoldInterlock:
		return "the check passing again"
	}
	return "the lock state being readable again (supctl status names what to mend)"
}

// startHint names the command that starts it, and who can while it is locked.
func (s *Service) startHint() string {
	hint := "supctl start " + s.Spec.Name
	switch {
	case hasKind(s.Holds, HoldUnreadable):
		hint += "; while its lock state cannot be read, nobody can"
	case hasKind(s.Holds, HoldLock):
		hint += "; while it is locked, only its lock's owner can"
	}
	return hint
}

// explainNext says what comes next and what it waits for.
func (c *turn) explainNext(s *Service) []string {
	var out []string
	say := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	switch {
	case c.st.Closing != nil:
		say("supd is shutting down")
	case s.Act != nil:
		say("a %s by %s has been in flight for %v", s.Act.Act.Verb, s.Act.Act.By, span(c.now, s.Act.Since))
	case s.Observing:
		say("it is being looked at; a decision follows at once")
	}
	if m := c.missing(s); m != "" && (s.Want == WantUp || s.Running) {
		p := c.st.Services[m]
		switch {
		case p == nil:
			say("it needs %q, which is not configured", m)
		case s.Running:
			say("it needs %q, which is %s (%s): its failures are explained by that and act on nothing until then", m, p.Phase, p.Why)
		default:
			say("it waits for %q, which is %s (%s), and is decided afresh when that is ready", m, p.Phase, p.Why)
		}
	}
	if s.Due {
		say("its time has come, and it begins as soon as it can")
	}
	switch {
	case s.SettleUntil > c.now && !s.held():
		say("released a moment ago: supd alerts but does not act for another %v", span(s.SettleUntil, c.now))
	case s.Phase == Backoff && s.RetryAt > c.now:
		say("failure %d in a row; the next attempt is in %v", s.Fails, span(s.RetryAt, c.now))
	case s.Tries > 0 && s.RetryAt > c.now:
		say("another action has the gate; the next attempt is in %v", span(s.RetryAt, c.now))
	case s.Phase == Starting && s.ReadyBy > c.now && s.Spec.Ready.byTime():
		say("it is ready if it lives for another %v", span(s.ReadyBy, c.now))
	case s.Phase == Starting && s.ReadyBy > c.now:
		say("it must be ready within %v, or the start has failed", span(s.ReadyBy, c.now))
	}
	return append(out, c.explainPolicy(s)...)
}

// explainPolicy says what would make supd act.
func (c *turn) explainPolicy(s *Service) []string {
	switch {
	case s.held() && (s.Running || s.Want == WantUp):
		return []string{"supd does nothing to it while it is held; what happens meanwhile is shown, and forgotten at the release"}
	case c.st.ObserveOnly || s.Spec.Observe:
		return []string{"supd only observes it and says what it would do"}
	case s.Phase == Failed:
		return []string{"supd has given up; next: " + s.startHint()}
	case !s.Running && s.Want == WantDown:
		return []string{"it stays down until somebody starts it: " + s.startHint()}
	case s.givenUp():
		return []string{"if it fails, it has failed until it is run again"}
	case s.Spec.Policy == Never:
		return []string{"if it ends, it stays down (policy never)"}
	case s.Spec.Oneshot:
		return []string{"if it fails, it is run again"}
	case s.Spec.Policy == Always:
		return []string{"if it ends, it is started again, unless somebody stops it with a signal"}
	}
	return []string{"if it fails, it is started again; if somebody stops it on purpose, it stays down"}
}

// span is a duration for people: whole seconds, or milliseconds below one.
func span(later, earlier Instant) time.Duration {
	d := later.Sub(earlier)
	if d > time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// ShieldOf names the prerequisite whose absence explains failures of a service: of one that is down the one that it waits
// for, of one that runs the first that is not ready. "" if there is none.
func ShieldOf(st *State, s *Service) string {
	if !s.Running {
		return s.Shield
	}
	c := turn{st: st}
	return c.missing(s)
}

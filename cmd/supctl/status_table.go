package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
)

// writeStatus writes the table, what to do next, and which supd was asked.
func (a *app) writeStatus(w io.Writer, r api.StatusReply) {
	t := table{head: []string{"NAME", "STATE", "SINCE", "PID", "UPTIME", "RESTARTS", "CHECKS", "HOLD"}, colour: a.colour()}
	for _, s := range r.Services {
		t.addCells(cell{s.Name, bold}, stateCell(s), cell{text: a.clock(s.Since)}, cell{text: number(s.PID)},
			cell{text: uptime(s)}, cell{text: strconv.FormatUint(s.Restarts, 10)}, checksCell(s.Checks), cell{holdsText(s.Holds), yellow})
	}
	t.write(w)
	if len(r.Services) == 0 {
		fmt.Fprintln(w, "no services")
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, painted(cell{"! " + clean(p), red}, t.colour))
	}
	for _, s := range r.Services {
		for _, v := range s.StartedUnderLock {
			fmt.Fprintln(w, painted(cell{"! " + clean(s.Name) + ": started under lock: " + clean(v.String()), red}, t.colour))
		}
	}
	// What to do next stands below the table, not in it: a command has to be copied whole.
	if a.flags.quiet {
		return
	}
	for _, s := range r.Services {
		if next := nextFor(s); next != "" {
			fmt.Fprintf(w, "%s: %s\n", clean(s.Name), clean(next))
		}
	}
	fmt.Fprintln(w, painted(cell{"supd on " + clean(r.Socket), dim}, t.colour))
}

// number is "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// uptime is "" for what does not run.
func uptime(s api.ServiceStatus) string {
	if s.UptimeS <= 0 {
		return ""
	}
	return age(time.Duration(s.UptimeS * float64(time.Second)))
}

// statePaint is how each state is coloured.
func statePaint(s api.ServiceStatus) paint {
	switch s.State {
	case "up", "done":
		return green
	case "failed", "backoff":
		return red
	case "down":
		if s.Want == "up" && len(s.Holds) == 0 {
			return red
		}
		return dim
	}
	return yellow // starting, stopping
}

// stateCell is the state with what changes its meaning.
func stateCell(s api.ServiceStatus) cell {
	text := s.State
	if s.Mode == "observe" {
		text += ", observed"
	}
	if len(s.StartedUnderLock) > 0 {
		return cell{text + ", started under lock", red}
	}
	if s.Orphaned {
		text += ", orphaned"
	} else if s.ChangePending {
		text += ", change pending"
	}
	return cell{text, statePaint(s)}
}

// checksCell sums up with the worst first: that is what the eye should meet.
func checksCell(c api.CheckCounts) cell {
	var parts []string
	for _, p := range [...]struct {
		n    int
		what string
	}{{c.Failing, "failing"}, {c.Unknown, "unknown"}, {c.OK, "ok"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	cl := cell{text: strings.Join(parts, ", "), paint: green}
	switch {
	case c.Failing > 0:
		cl.paint = red
	case c.Unknown > 0:
		cl.paint = yellow
	}
	return cl
}

// holdsText says who holds a service and why.
func holdsText(holds []api.Hold) string {
	texts := make([]string, len(holds))
	for i, h := range holds {
		texts[i] = holdText(h)
	}
	return strings.Join(texts, "; ")
}

// holdText is kind, person and reason, as far as they are known.
func holdText(h api.Hold) string {
	text := h.Kind
	if h.Overdue {
		text = "overdue " + text
	}
	if h.Abandoned {
		text = "abandoned " + text
	}
	if h.By != "" {
		text += " by " + h.By
	}
	if len(h.NotReady) > 0 {
		text += " (not ready)"
	}
	if h.OfferedTo != "" {
		text += " (offered to " + h.OfferedTo + ")"
	}
	if h.Reason != "" {
		text += ": " + brief(h.Reason)
	}
	return text
}

// nextFor is what a person can do about a service, "" if there is nothing. The
// daemon knows more than its holds tell, so its word comes first.
func nextFor(s api.ServiceStatus) string {
	if s.Next != "" {
		return s.Next
	}
	for _, h := range s.Holds {
		switch h.Kind {
		case "lock":
			if h.LockID == "" { // it could not be written
				return "supctl maintenance doctor"
			}
			return "supctl maintenance show " + h.LockID
		case "operator-stop":
			return fmt.Sprintf("supctl start %s (I am done), or supctl maintenance start %s (go on working)", s.Name, s.Name)
		case "restart-limit":
			return fmt.Sprintf("supctl logs %s, then supctl start %s", s.Name, s.Name)
		case "unreadable":
			return "counts as locked until that file is mended"
		case "interlock":
			return "supctl check list " + s.Name
		}
	}
	switch {
	case s.Orphaned:
		return "gone from the config; supctl reload --apply stops it"
	case s.ChangePending:
		return fmt.Sprintf("supctl restart %s, or supctl reload --apply, puts its new config in force", s.Name)
	case s.State == "failed":
		return "supctl explain " + s.Name
	}
	return ""
}

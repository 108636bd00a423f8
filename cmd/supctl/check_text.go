package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
)

// checkLabel is how a check is named on the command line; checkName reads it
// back.
func checkLabel(c api.CheckStatus) string {
	if c.Service == "" {
		return c.Name
	}
	return c.Service + "/" + c.Name
}

// writeChecks writes a table, nothing for no checks.
func (a *app) writeChecks(cs []api.CheckStatus) {
	t := table{head: []string{"CHECK", "TYPE", "STATE", "SINCE", "VALUE", "DETAIL"}, colour: a.colour()}
	for _, c := range cs {
		t.addCells(cell{checkLabel(c), bold}, cell{text: c.Type}, checkStateCell(c), cell{text: a.maybeClock(c.Since)}, cell{text: c.Value}, cell{text: c.Detail})
	}
	t.write(a.out)
}

// checkStateCell colours a state. "paused" says that the check runs and is shown
// but acts on nothing, as under a lock.
func checkStateCell(c api.CheckStatus) cell {
	text, p := c.State, yellow
	switch c.State {
	case "ok":
		p = green
	case "failing":
		p = red
	}
	if c.Paused {
		text += ", paused"
	}
	return cell{text, p}
}

// writeCheck describes one check. What a viewer may not see is empty and left
// out.
func (a *app) writeCheck(c api.CheckStatus) {
	failures := ""
	if c.Failures > 0 {
		failures = fmt.Sprintf("%d in a row", c.Failures)
	}
	a.facts(fact{"check", checkLabel(c)}, fact{"type", c.Type}, fact{"state", checkStateCell(c).text}, fact{"since", a.maybeClock(c.Since)},
		fact{"detail", c.Detail}, fact{"value", c.Value}, fact{"took", time.Duration(c.DurationS * float64(time.Second)).Round(time.Microsecond).String()},
		fact{"last run", a.maybeClock(c.Last)}, fact{"next run", a.maybeClock(c.Next)}, fact{"failures", failures}, fact{"on fail", c.OnFail},
		fact{"interlocks", strings.Join(c.Interlocks, " ")})
}

// maybeClock is clock for a time that may be unknown.
func (a *app) maybeClock(t *time.Time) string {
	if t == nil {
		return ""
	}
	return a.clock(*t)
}

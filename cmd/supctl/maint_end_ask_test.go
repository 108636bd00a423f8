package main

import (
	"strings"
	"testing"

	"github.com/supd/supd/internal/api"
)

// downDB is a supd whose db is down: its end wants a decision. asked is how end was asked.
func downDB(t *testing.T, asked *[]api.MaintenanceEnd) *fake {
	f := &fake{locks: api.LocksReply{Locks: []api.Lock{wireLock(t, "a", "db", "mine")}}}
	f.changes = api.ChangesReply{Packages: []string{"package dbd is 15.5, it was 15.4"}, Services: []api.ServiceChanges{
		{Service: "db", Known: true, Changes: []string{"was running (pid 7), is down\x1b[2J"}},
		{Service: "web", Known: true}, {Service: "mail"},
	}}
	f.end = func(m api.MaintenanceEnd) (api.MaintenanceReply, error) {
		*asked = append(*asked, m)
		switch {
		case m.Force, m.LeaveStopped:
			return api.MaintenanceReply{Locks: f.locks.Locks}, nil
		case m.Start:
			return api.MaintenanceReply{}, api.Errorf(api.CodeVerify, `cannot release "db": check "q" is failing`).WithChoices(api.ChooseForce)
		}
		return api.MaintenanceReply{}, api.Errorf(api.CodeVerify, `cannot release "db": it is down`).WithNext("--start or --leave-stopped").
			WithChoices(api.ChooseStart, api.ChooseLeaveStopped)
	}
	return f
}

// On a terminal, what changed is shown, then the decision is asked for, and what it leads to may want the next one.
func TestTerminalEndAsksForTheDecision(t *testing.T) {
	var asked []api.MaintenanceEnd
	m := newTerminal(t)
	done := m.run(downDB(t, &asked).serve(t), "maintenance", "end", "db")
	m.expect(`changed: db: was running (pid 7), is down\x1b[2J`)
	m.expect("changed: package dbd is 15.5, it was 15.4")
	m.expect("as it was: web")
	m.expect("not known what it was when it was locked: mail")
	m.expect("it is down")
	m.expect("(--leave-stopped)")
	m.expect("your decision")
	m.typeLine("s")
	m.expect(`check "q" is failing`)
	m.expect("(--force)")
	m.typeLine("force")
	m.expect("RELEASED db")
	m.exits(done, 0)
	if len(asked) != 3 || !asked[1].Start || !asked[2].Force {
		t.Errorf("asked %+v", asked)
	}
}

// Nothing typed, or nonsense, keeps the lock; and nobody is asked who cannot answer.
func TestTerminalEndWithoutADecision(t *testing.T) {
	for _, typed := range []string{"", "yes", "f"} { // --force was not offered
		var asked []api.MaintenanceEnd
		m := newTerminal(t)
		done := m.run(downDB(t, &asked).serve(t), "maintenance", "end", "db")
		m.expect("your decision")
		m.typeLine(typed)
		m.exits(done, 5)
		if len(asked) != 1 {
			t.Errorf("%q: asked %+v", typed, asked)
		}
	}
	var asked []api.MaintenanceEnd
	r := supctl(downDB(t, &asked).serve(t), "maintenance", "end", "db")
	if r.code != 5 || strings.Contains(r.errs, "your decision") || !strings.Contains(r.errs, "changed: db: was running") || len(asked) != 1 {
		t.Errorf("without a terminal: exit code %d, %q", r.code, r.errs)
	}
}

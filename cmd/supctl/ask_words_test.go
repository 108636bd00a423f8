package main

import (
	"context"
	"strings"
	"testing"

	"github.com/supd/supd/internal/api"
)

// wantsTicket is a supd whose policy wants OPS- and a number.
func wantsTicket(asked *[]string) *fake {
	return &fake{start: func(_ context.Context, m api.MaintenanceStart, _ api.Progress) (api.MaintenanceReply, error) {
		*asked = append(*asked, m.Locks[0].ID+" "+m.Ticket)
		r := api.MaintenanceReply{Locks: []api.Lock{{ID: m.Locks[0].ID, Target: "db", Ticket: m.Ticket}}}
		if !strings.HasPrefix(m.Ticket, "OPS-") {
			r.Code, r.NotReady, r.Missing = api.CodeNotReady, []string{"a ticket is required"}, []string{"ticket"}
			r.MissingRules = []string{`a ticket that matches "OPS-[0-9]+"`}
		}
		return r, nil
	}}
}

// The rule is named, and a ticket that does not match is asked for again, with what was typed.
func TestTerminalIsAskedForATicketByItsRule(t *testing.T) {
	var asked []string
	m := newTerminal(t)
	done := m.run(wantsTicket(&asked).serve(t), "maintenance", "start", "db")
	m.expect(`locked; policy wants a ticket that matches "OPS-[0-9]+": `)
	m.typeLine("17")
	m.expect(`locked; policy wants a ticket that matches "OPS-[0-9]+", not "17": `)
	m.typeLine("OPS-17")
	m.expect("LOCKED db")
	m.exits(done, 0)
	if len(asked) != 3 || asked[2] != strings.Fields(asked[0])[0]+" OPS-17" {
		t.Errorf("asked for %q", asked)
	}
}

// Nobody is asked for ever, and nobody who cannot answer.
func TestTerminalTicketIsAskedThreeTimes(t *testing.T) {
	var asked []string
	m := newTerminal(t)
	done := m.run(wantsTicket(&asked).serve(t), "maintenance", "start", "db")
	for _, typed := range []string{"", "a", "b", "c"} {
		if typed == "" {
			m.expect("policy wants a ticket")
			continue
		}
		m.typeLine(typed)
		if typed != "c" {
			m.expect(`not "` + typed + `": `)
		}
	}
	m.expect("LOCKED, NOT READY db")
	m.exits(done, 7)
	asked = nil
	if r := supctl(wantsTicket(&asked).serve(t), "maintenance", "start", "db"); r.code != 7 || strings.Contains(r.out+r.errs, "policy wants") || len(asked) != 1 {
		t.Errorf("without a terminal: exit code %d, %q, %q", r.code, r.out, r.errs)
	}
}

// Ctrl-C at the question leaves the lock, which is not ready, and says so.
func TestTerminalInterruptedQuestion(t *testing.T) {
	var asked []string
	socket := wantsTicket(&asked).serve(t)
	m := newTerminal(t)
	ctx, interrupt := context.WithCancel(context.Background())
	a := newApp([]string{"--socket", socket, "maintenance", "start", "db"}, m.tty, m.tty, m.tty)
	root := newRoot(a)
	root.SetArgs(a.args)
	done := make(chan int, 1)
	go func() { done <- a.finish(root.ExecuteContext(ctx)) }()
	m.expect("policy wants a ticket")
	interrupt()
	m.expect("LOCKED, NOT READY db")
	m.expect("to fix: a ticket is required")
	m.exits(done, 7)
	m.typeLine("") // for the reader that nobody waits for any more
}

// `maintenance ready` asks in the same way.
func TestTerminalReadyAsks(t *testing.T) {
	f := &fake{locks: api.LocksReply{Locks: []api.Lock{wireLock(t, "a", "db", "mine")}}}
	f.ready = func(m api.MaintenanceReady) (api.MaintenanceReply, error) {
		l := f.locks.Locks[0]
		if l.Reason = m.Reason; m.Reason != "" {
			return api.MaintenanceReply{Locks: []api.Lock{l}}, nil
		}
		l.Ready, l.NotReady = false, []string{"a reason is required"}
		return api.MaintenanceReply{Code: 7, Locks: []api.Lock{l}, NotReady: l.NotReady, Missing: []string{"reason"}}, nil
	}
	socket := f.serve(t)
	m := newTerminal(t)
	done := m.run(socket, "maintenance", "ready", "db")
	m.expect("policy wants a reason: ")
	m.typeLine("new disk")
	m.expect("READY db")
	m.exits(done, 0)
	if r := supctl(socket, "maintenance", "ready", "db", "-q"); r.code != 7 || !strings.Contains(r.out, "NOT READY db") || !strings.Contains(r.out, "to fix: a reason is required") {
		t.Errorf("without a terminal: exit code %d, %q, %q", r.code, r.out, r.errs)
	}
}

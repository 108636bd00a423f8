package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// showsTimes fails unless the terminal shows all words, each in as many lines of supd's as that, and waits for them.
func (m *screen) showsTimes(t *testing.T, times int, words ...string) {
	t.Helper()
	for _, w := range words {
		eventually(t, fmt.Sprintf("%q is %d times on the terminal", w, times), func() string {
			if n := strings.Count(m.text(), w); n != times {
				return fmt.Sprintf("%d times: %q", n, m.text())
			}
			return ""
		})
	}
}

// Rows 12 and 13: what people get on their terminals while they work, and then by their next command at that terminal, once.
func TestRow12_WhatTerminalsShow(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	for _, c := range []struct {
		name     string
		ann, ben int
		before   func(*daemon) // between the lock and what is done to it
	}{
		{"supd runs", 4001031, 4001032, func(*daemon) {}},
		{"supd is dead", 4001033, 4001034, (*daemon).kill9},
		{"supd hangs", 4001035, 4001036, (*daemon).freeze},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := started(t, quick+service("db", "")+service("web", ""))
			d.up("db", "web")
			annSees, benSees := newScreen(t, c.ann), newScreen(t, c.ben)
			ann, ben := d.loginAt(annSees.tty, c.ann, 0), d.loginAt(benSees.tty, c.ben, 0)
			ann.ctl("maintenance", "start", "db", "web", "-m", "new disk").wants(t, 0)
			c.before(d)

			ann.ctl("maintenance", "transfer", "web", "--to", fmt.Sprint(c.ben), "-m", "sixty percent").wants(t, 0)
			benSees.showsTimes(t, 1, fmt.Sprintf("uid %d offers you the lock on web (sixty percent)", c.ann), "supctl maintenance accept web")
			ben.ctl("maintenance", "accept", "web").wants(t, 0)
			annSees.showsTimes(t, 1, fmt.Sprintf("uid %d on %s accepted your lock on web (new disk)", c.ben, tty(benSees)), "it is theirs now")

			ben.ctl("maintenance", "break", d.lockOf("db"), "-m", "ann is on a plane", "--yes").wants(t, 0)
			annSees.showsTimes(t, 1, fmt.Sprintf("your lock on db (new disk) was broken by uid %d", c.ben), "ann is on a plane", "they hold it now, ask them before you go on")

			// The terminal may have been left alone: the next command says both again, and then nothing does.
			ann.atTerminal(annSees, "maintenance", "list")
			annSees.showsTimes(t, 2, "your lock on db (new disk) was broken by", "accepted your lock on web (new disk)")
			ann.atTerminal(annSees, "maintenance", "list").wants(t, 0)
			annSees.showsTimes(t, 2, "your lock on db (new disk) was broken by", "accepted your lock on web (new disk)")
			if s := benSees.text(); strings.Contains(s, "broken") || strings.Contains(s, "accepted") {
				t.Errorf("ben is told what he did: %q", s)
			}
		})
	}
}

// Row 13: the reminder comes to the owner's terminal, again and again, and to nobody else's.
func TestRow13_OverdueOnTheOwnersTerminal(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"0s\"\nremind_every = \"300ms\"\n"+service("db", ""))
	d.up("db")
	annSees, benSees := newScreen(t, 4001037), newScreen(t, 4001038)
	ann, _ := d.loginAt(annSees.tty, 4001037, 0), d.loginAt(benSees.tty, 4001038, 0)
	ann.ctl("maintenance", "start", "db", "-m", "went home", "--for", "300ms").wants(t, 0)
	eventually(t, "three reminders", func() string {
		if n := strings.Count(annSees.text(), "your lock on db (went home) was expected to end at"); n < 3 {
			return fmt.Sprintf("%d: %q", n, annSees.text())
		}
		return ""
	})
	annSees.waitText(t, "it is overdue and goes on holding: supctl maintenance end db, or extend")
	ann.ctl("maintenance", "end", "db").wants(t, 0)
	if s := benSees.text(); s != "" {
		t.Errorf("ben's terminal shows %q", s)
	}
}

// tty is the terminal's short name, as supctl has it.
func tty(m *screen) string { return strings.TrimPrefix(m.tty.Name(), "/dev/") }

// A terminal whose user wants no messages gets none, and the next command says it all the same.
func TestRow12_ATerminalThatWantsNoMessages(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	sees := newScreen(t, 4001039)
	ann, ben := d.loginAt(sees.tty, 4001039, 0), d.login(4001040, 0)
	ann.ctl("maintenance", "start", "db").wants(t, 0)
	if err := os.Chmod(sees.tty.Name(), 0o600); err != nil { // mesg n
		t.Fatal(err)
	}
	ben.ctl("maintenance", "break", d.lockOf("db"), "-m", "late", "--yes").wants(t, 0)
	ann.atTerminal(sees, "status").wants(t, 0)
	sees.showsTimes(t, 1, "your lock on db was broken by")
	ben.ctl("maintenance", "end", "db").wants(t, 0)
}

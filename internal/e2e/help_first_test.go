package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// Rows 12 and 13 by the first page alone: what `supctl maintenance --help` shows is typed from its top to its end, names put in, by people at
// terminals. It is a change of shift, and the removal of somebody's lock.
func TestRow12_TheFirstPageOfTheHelpIsEnough(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	screens := []*screen{newScreen(t, 4001021), newScreen(t, 4001022)}
	ann, ben := d.loginAt(screens[0].tty, 4001021, 0), d.loginAt(screens[1].tty, 4001022, 0)

	page := ann.ctl("maintenance", "--help").wants(t, 0).Out
	_, examples, _ := strings.Cut(page, "\nExamples:\n")
	examples, _, ok := strings.Cut(examples, "\n\n")
	if !ok {
		t.Fatalf("no examples:\n%s", page)
	}
	var typed []string
	for line := range strings.Lines(examples) {
		line = strings.NewReplacer(" ben", " 4001022", " ID ", " "+d.lockOf("db")+" ").Replace(strings.TrimSpace(line))
		verb := regexp.MustCompile(`^supctl maintenance ([a-z]+) `).FindStringSubmatch(line + " ")
		if verb == nil {
			t.Fatalf("no command: %q", line)
		}
		typed = append(typed, verb[1])
		argv := words(line)[1:]
		switch verb[1] {
		case "accept": // the one to whom it was offered
			ben.ctl(argv...).wants(t, 0, "LOCKED")
			if l := d.locks(); len(l) != 1 || *l[0].LoginUID != 4001022 {
				t.Fatalf("after the shift change: %+v", l)
			}
		case "break": // it asks; what it asks for is answered
			screens[0].types(t, "db\n")
			old := d.lockOf("db")
			ann.atTerminal(screens[0], argv...).wants(t, 0, "LOCKED")
			screens[0].waitText(t, "Type db to break it")
			if l := d.locks(); len(l) != 1 || *l[0].LoginUID != 4001021 || l[0].ID == old {
				t.Fatalf("after the break: %+v", l)
			}
			screens[1].waitText(t, "your lock on db (index rebuild) was broken by uid 4001021")
		default:
			ann.ctl(argv...).wants(t, 0)
		}
	}
	if got, want := strings.Join(typed, " "), "start list transfer accept break end"; got != want {
		t.Errorf("the help shows %q, a shift change and a forced removal take %q", got, want)
	}
	if l := d.locks(); len(l) != 0 {
		t.Errorf("left: %+v", l)
	}
	d.waitState("db", "up")
}

// lockOf is the id of the first lock on a target, as list shows it; "" without one.
func (d *daemon) lockOf(target string) string {
	d.t.Helper()
	for _, l := range d.locks() {
		if l.Target == target {
			return l.ID
		}
	}
	return ""
}

// atTerminal types a supctl command that may ask: it reads from the terminal, and its errors and questions go there.
func (p *somebody) atTerminal(m *screen, args ...string) result {
	p.d.t.Helper()
	quoted := ""
	for _, a := range p.d.argv(args) {
		quoted += " '" + a + "'"
	}
	return p.types([]string{"sh", "-c", "exec" + quoted + " <" + m.tty.Name() + " 2>" + m.tty.Name()})
}

package core

import (
	"os"
	"strings"
	"testing"
)

// The table of ends in docs/config.md says what the core does.
func TestDocsTableOfEnds(t *testing.T) {
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- ends -->\n")
	table, _, found := strings.Cut(table, "<!-- end ends -->")
	if !found {
		t.Fatal("docs/config.md has no table of ends")
	}
	exits := map[string][]Exit{
		"exit code 0": {{}},
		"SIGTERM, SIGINT, SIGQUIT, SIGHUP, or exit code 143, 130, 131, 129": {{Signal: 15}, {Signal: 2}, {Signal: 3}, {Signal: 1}, {Code: 143}, {Code: 130}, {Code: 131}, {Code: 129}},
		"another exit code, or SIGKILL, SIGSEGV, SIGABRT":                   {{Code: 1}, {Code: 255}, {Signal: 9}, {Signal: 11}, {Signal: 6}},
		"SIGKILL from a login session, where that can be known":             {{Signal: 9, FromSession: true}},
		"SIGKILL for want of memory, or by a memory killer":                 {{Signal: 9, OOM: true}, {Signal: 9, ByMemoryKiller: true}},
		"SIGTERM by a memory killer":                                        {{Signal: 15, ByMemoryKiller: true}},
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")[2:]
	if len(rows) != len(exits) {
		t.Errorf("%d rows, %d known here", len(rows), len(exits))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		for i, policy := range []Policy{OnFailure, Always, Never} {
			for _, e := range exits[cells[0]] {
				for _, restart := range []bool{false, true} {
					sp := svc("db")
					want := cells[i+1]
					if sp.Policy = policy; restart {
						if sp.OperatorStop = ChooseRestart; want == "held" {
							if want = "started again"; policy == Never {
								want = "failed"
							}
						}
					}
					l := newLab(t, sp)
					l.exit("db", e)
					got := "started again"
					switch s := l.st.Services["db"]; {
					case hasKind(l.fact["db"].holds, HoldOperatorStop):
						got = "held"
					case s.Phase == Failed:
						got = "failed"
					}
					if got != want {
						t.Errorf("%s (%v), %s, operator_stop restart %v: %s, the table says %s", cells[0], e, policy, restart, got, want)
					}
				}
			}
		}
		if exits[cells[0]] == nil {
			t.Errorf("unknown row %q", cells[0])
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/supd/supd/internal/api"
)

// What does not exist is answered with its name, at most one suggestion, and the code for it; also where help was asked for.
func TestWhatDoesNotExistIsSaidOnce(t *testing.T) {
	f := &fake{checks: api.ChecksReply{Checks: []api.CheckStatus{{Service: "db", Name: "query"}, {Name: "rootfs"}}}}
	socket := f.serve(t)
	for _, c := range []struct {
		line string
		code int
		says []string
	}{
		{"grap", 2, []string{`cannot run "supctl grap": no such command`, "supctl --help"}},
		{"grap --help", 2, []string{`cannot run "supctl grap": no such command`}},
		{"grap db --help", 2, []string{`cannot run "supctl grap": no such command`}},
		{"help grap", 2, []string{`cannot run "supctl grap": no such command`}},
		{"stat", 2, []string{"did you mean supctl status?"}},
		{"maintenance strt db", 2, []string{"did you mean supctl maintenance start?", "supctl maintenance --help lists all"}},
		{"maintenance strt --help", 2, []string{`cannot run "supctl maintenance strt"`}},
		{"help maintenance strt", 2, []string{`cannot run "supctl maintenance strt"`}},
		{"signal FOO db", 2, []string{`neither "FOO" nor "db" is one`, "supctl signal HUP web"}},
		{"signal db -s FOO", 2, []string{`cannot send "FOO": there is no such signal`}},
		{"signal hup db", 2, []string{`signals are written in capitals, HUP`}},
		{"signal db", 2, []string{"no signal: name one"}},
		{"logs db -n -5", 2, []string{`"-5" is no number of lines: say 1 or more`}},
		{"logs db -n 0", 2, []string{"say 1 or more"}},
		{"events -n -5", 2, []string{"say 1 or more"}},
		{"check history db/query -n -5", 2, []string{"say 1 or more"}},
		{"check show db/qeury", 3, []string{`did you mean "db/query"?`}},
		{"check show rotfs", 3, []string{`did you mean "rootfs"?`}},
		{"check show nothing/like/it", 3, []string{"supctl check list"}},
	} {
		r := supctl(socket, strings.Fields(c.line)...)
		if r.code != c.code || r.out != "" {
			t.Errorf("%s: exit code %d, want %d; out %q", c.line, r.code, c.code, r.out)
		}
		if lines := strings.Count(r.errs, "\n"); lines > 2 {
			t.Errorf("%s: %d lines, want what is wrong and what to do: %s", c.line, lines, r.errs)
		}
		for _, s := range c.says {
			if !strings.Contains(r.errs, s) {
				t.Errorf("%s: does not say %q: %s", c.line, s, r.errs)
			}
		}
	}
	for _, line := range []string{"--help", "help", "help maintenance start", "maintenance --help", "maintenance start --help", "--help status"} {
		if r := supctl(socket, strings.Fields(line)...); r.code != 0 || !strings.Contains(r.out, "Usage:") || r.errs != "" {
			t.Errorf("%s: exit code %d, %q", line, r.code, r.errs)
		}
	}
}

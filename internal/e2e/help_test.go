package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// helpOf is what a person reads; the test types nothing that is not in it.
type helpOf struct {
	t     *testing.T
	p     *somebody
	pages map[string]string
}

// read opens the help of a command that the help of `maintenance` lists.
func (h *helpOf) read(command string) string {
	h.t.Helper()
	if command != "" && !regexp.MustCompile(`(?m)^  `+command+`\s`).MatchString(h.read("")) {
		h.t.Fatalf("supctl maintenance --help does not name %q:\n%s", command, h.read(""))
	}
	if h.pages[command] == "" {
		words := append([]string{"maintenance"}, strings.Fields(command)...)
		h.pages[command] = h.p.ctl(append(words, "--help")...).wants(h.t, 0).Out
	}
	return h.pages[command]
}

// example is the first example of a command that has all the words, with its words replaced: what a person does with an example.
func (h *helpOf) example(command string, has []string, replace ...string) []string {
	h.t.Helper()
	for line := range strings.Lines(h.read(command)) {
		line, is := strings.CutPrefix(strings.TrimSpace(line), "supctl ")
		for _, w := range has {
			is = is && strings.Contains(" "+line+" ", " "+w+" ")
		}
		if is && strings.HasPrefix(line, "maintenance "+command) {
			return words(strings.NewReplacer(replace...).Replace(line))
		}
	}
	h.t.Fatalf("supctl maintenance %s --help has no example with %q:\n%s", command, has, h.read(command))
	return nil
}

// words splits a line as a shell does that knows double quotes only.
func words(line string) (out []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

// Row 12 by the help alone: a change of shift, and the removal of somebody's lock, typed as the examples have it.
func TestRow12_TheHelpIsEnough(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	h := &helpOf{t, ann, map[string]string{}}
	for _, word := range []string{"transfer", "accept", "break"} {
		if !strings.Contains(h.read(""), word) {
			t.Fatalf("supctl maintenance --help does not say %q", word)
		}
	}
	ann.ctl(h.example("start", []string{"db", "-m"})...).wants(t, 0, "LOCKED")
	ann.ctl(h.example("transfer", []string{"db", "--to", "ben"}, "ben", "4001002")...).wants(t, 0, "OFFERED")
	ben.ctl(h.example("accept", []string{"db"})...).wants(t, 0, "LOCKED")
	if l := d.locks(); len(l) != 1 || *l[0].LoginUID != 4001002 {
		t.Fatalf("after the shift change: %+v", l)
	}

	// Ben cannot be reached: ann finds his lock in the list and takes it over.
	ann.ctl(h.example("list", []string{"list", "db", "-o"})...).wants(t, 0, "4001002")
	id := d.locks()[0].ID
	ann.ctl(h.example("break", []string{"-m", "--yes"}, "7qk2", id)...).wants(t, 0, "LOCKED")
	if l := d.locks(); len(l) != 1 || *l[0].LoginUID != 4001001 || l[0].ID == id {
		t.Fatalf("after the break: %+v", l)
	}
	ben.ctl("status").wants(t, 0, "was broken by")
	ann.ctl(h.example("history", []string{"db"})...).wants(t, 0, "transfer", "break", "owner left the company")
	ann.ctl(h.example("end", []string{"db", "--start"})...).wants(t, 0)
	if l := d.locks(); len(l) != 0 {
		t.Fatalf("left: %+v", l)
	}
}

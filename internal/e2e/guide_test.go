package e2e

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// guideFile is the guide whose commands are typed.
const guideFile = "../../docs/maintenance.md"

// guide is docs/maintenance.md, read as a play: who types what, how it ends and what is shown.
type guide struct {
	t      *testing.T
	d      *daemon
	people map[string]*somebody
	uids   map[string]string
	names  *strings.Replacer // what the page calls by other names
}

// command is one command of the page and what stands below it.
type command struct {
	line       int
	who, typed string
	code       int
	shown      []string
}

var (
	prompt   = regexp.MustCompile(`^    ([a-z]+)([$#]) (.*?)(?: +# exit code (\d+))?$`)
	exitCode = regexp.MustCompile(`exit code`)
)

// commandsOf are the commands of a page in its order.
func commandsOf(t *testing.T, page string) (all []command) {
	t.Helper()
	inBlock := false
	for n, line := range strings.Split(page, "\n") {
		m := prompt.FindStringSubmatch(line)
		switch {
		case m != nil:
			code, _ := strconv.Atoi(m[4])
			if m[4] == "" && exitCode.MatchString(m[3]) {
				t.Fatalf("line %d: %q", n+1, line)
			}
			all, inBlock = append(all, command{line: n + 1, who: m[1], typed: m[3], code: code}), true
		case strings.HasPrefix(line, "    ") && inBlock:
			s := &all[len(all)-1]
			s.shown = append(s.shown, strings.TrimSpace(line))
		case strings.TrimSpace(line) != "":
			inBlock = false
		}
	}
	return all
}

// Every command of the guide does what the guide says, with the exit code and the words that stand there.
func TestGuideIsTrue(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	text, err := os.ReadFile(guideFile)
	if err != nil {
		t.Fatal(err)
	}
	_, config, _ := strings.Cut(string(text), "```toml\n")
	config, _, ok := strings.Cut(config, "```")
	if !ok {
		t.Fatal("the guide has no configuration")
	}
	d := started(t, strings.ReplaceAll(config, "/var/backups", "$DIR"))
	d.waitState("db", "up")
	d.waitState("web", "up")
	d.waitState("ledger", "up")
	for name, script := range map[string]string{"move-data": "exit 0", "vacuum": "exit 0", "deploy": "exit 1", "undo": "exit 0"} {
		if err := os.WriteFile(d.path(name+".sh"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g := &guide{t: t, d: d, uids: map[string]string{"alice": "4001051", "ben": "4001052"}}
	g.people = map[string]*somebody{"alice": d.login(4001051, 0), "ben": d.login(4001052, 0)}
	g.names = strings.NewReplacer("/var/lib/supd", d.path("state"), "/var/backups", d.dir, "/run/supd", d.path("run"), "--to ben", "--to 4001052")
	all := commandsOf(t, string(text))
	if len(all) < 40 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, s := range all {
		g.play(s)
	}
	if l := d.locks(); len(l) != 0 {
		t.Errorf("the guide leaves %+v", l)
	}
}

// play types one command and compares.
func (g *guide) play(s command) {
	g.t.Helper()
	typed := g.names.Replace(s.typed)
	if before, after, ok := strings.Cut(typed, " ID "); ok { // from the list, as a person reads it there
		typed = before + " " + g.d.lockOf("db") + " " + after
	}
	if s.who == "root" {
		g.happens(s, typed)
		return
	}
	p := g.people[s.who]
	if p == nil {
		g.t.Fatalf("line %d: who is %s?", s.line, s.who)
	}
	supctl := `supctl() { "` + strings.Join(g.d.argv(nil), `" "`) + `" "$@"; }; cd "` + g.d.dir + `"; `
	r := p.types([]string{"sh", "-c", supctl + typed})
	if r.Code != s.code {
		g.t.Errorf("line %d: %s: exit code %d, the guide says %d\n%s%s", s.line, s.typed, r.Code, s.code, r.Out, r.Err)
	}
	out := r.Out + r.Err
	for _, want := range s.shown {
		if !g.said(out, want) {
			g.t.Errorf("line %d: %s: the guide shows %q, it says\n%s", s.line, s.typed, want, out)
		}
	}
}

// said finds a line of the guide in an output. "…" stands for anything; people have no names where the test runs.
func (g *guide) said(out, want string) bool {
	want = g.names.Replace(want)
	for name, uid := range g.uids {
		want = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(want, "uid "+uid)
	}
	pattern := ""
	for i, part := range strings.Split(want, "…") {
		if i > 0 {
			pattern += ".*"
		}
		pattern += strings.Join(mapped(strings.Fields(part), regexp.QuoteMeta), `\s+`)
		if strings.HasSuffix(part, " ") {
			pattern += `\s*`
		}
	}
	return regexp.MustCompile(pattern).MatchString(out)
}

func mapped(in []string, f func(string) string) (out []string) {
	for _, s := range in {
		out = append(out, f(s))
	}
	return out
}

// happens does to the machine what the guide says.
func (g *guide) happens(s command, typed string) {
	g.t.Helper()
	switch typed {
	case "systemctl kill -s KILL supd":
		g.d.kill9()
	case "systemctl start supd":
		g.d.start()
	case "systemctl kill -s STOP supd":
		g.d.freeze()
	case "systemctl kill -s CONT supd":
		g.d.thaw()
	default:
		personJob{Argv: []string{"sh", "-c", typed}, Env: g.d.env(), UID: os.Geteuid()}.run().wants(g.t, s.code)
	}
}

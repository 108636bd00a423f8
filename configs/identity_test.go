package configs

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supd/supd/lockfile"
)

func TestIdentityIsWhatRuns(t *testing.T) {
	id := func(body string) string { return plain(t, "[service.a]\n"+body).Services["a"].Identity().Command }
	base := id(`command = ["/bin/a", "x"]`)
	if base != "/bin/a x" {
		t.Errorf("identity: %s", base)
	}
	for _, tc := range []struct {
		name, body string
		same       bool
	}{
		{"another policy", "command = [\"/bin/a\", \"x\"]\nrestart.policy = \"always\"", true},
		{"another argument", `command = ["/bin/a", "y"]`, false},
		{"one argument for two", `command = ["/bin/a x"]`, false},
		{"another directory", "command = [\"/bin/a\", \"x\"]\ndir = \"/srv\"", false},
		{"another environment", "command = [\"/bin/a\", \"x\"]\nenv = { PORT = \"1\" }", false},
	} {
		if got := id(tc.body); (got == base) != tc.same {
			t.Errorf("%s: %q and %q", tc.name, got, base)
		}
	}
	if a, b := id("command = [\"/bin/a\"]\nenv = { P = \"${SUPD_TEST_SECRET}\" }"), id("command = [\"/bin/a\"]\nenv = { P = \"hunter2hunter2\" }"); a == b {
		t.Error("the identity is made of the secret's value")
	}
	if a, b := id("command = [\"/bin/a\"]\nenv = { DB_PASSWORD = \"1\" }"), id("command = [\"/bin/a\"]\nenv = { DB_PASSWORD = \"2\" }"); a != b {
		t.Error("a short password could be guessed from the identity, which everybody can read")
	}
}

// names gives each service's identity in the plan that goes to the state directory.
func names(t *testing.T, text string, inForce *lockfile.Plan) lockfile.Plan {
	t.Helper()
	return plain(t, text).Lockfile(1, inForce)
}

func TestTwinsAreTwoServices(t *testing.T) {
	const twins = "[service.a]\ncommand = [\"/bin/w\"]\n[service.b]\ncommand = [\"/bin/w\"]\n"
	one := names(t, "[service.a]\ncommand = [\"/bin/w\"]\n", nil)
	both := names(t, twins, nil)
	if both.Services["a"].Shares(both.Services["b"]) {
		t.Errorf("a lock on one would hold the other: %v", both.Services)
	}
	grown := names(t, twins, &one)
	if grown.Services["a"] != one.Services["a"] || grown.Services["b"].Shares(one.Services["a"]) {
		t.Errorf("a keeps its identity when b comes: %v after %v", grown.Services, one.Services)
	}
	renamed := names(t, strings.Replace(twins, "service.a", "service.c", 1), &both)
	if renamed.Services["c"] != both.Services["a"] || renamed.Services["b"] != both.Services["b"] {
		t.Errorf("a lock on a must hold c: %v after %v", renamed.Services, both.Services)
	}
	shrunk := names(t, "[service.a]\ncommand = [\"/bin/w\"]\n", &both)
	if shrunk.Services["a"] != both.Services["a"] {
		t.Errorf("a is still a when b goes: %v", shrunk.Services)
	}
	again := names(t, twins, &renamed)
	if again.Services["a"] != both.Services["a"] {
		t.Errorf("renamed back: %v", again.Services)
	}
}

func TestRenamedServiceKeepsItsIdentity(t *testing.T) {
	old := names(t, web, nil)
	now := names(t, strings.Replace(web, "service.web", "service.shop", 1), &old)
	if !now.Services["shop"].Shares(old.Services["web"]) {
		t.Errorf("%v after %v", now.Services, old.Services)
	}
}

func TestArgumentThatLooksLikeATwinsMark(t *testing.T) {
	id := plain(t, "[service.a]\ncommand = [\"/bin/w\", \"#b\"]\n").Services["a"].Identity()
	if base(id) != id.Command {
		t.Errorf("%q loses its argument: %q", id.Command, base(id))
	}
}

func TestNamesOnlyOfABrokenConfig(t *testing.T) {
	dir := write(t, map[string]string{
		"supd.toml": `
include = ["conf.d/*.toml"]
[daemon]
state_dir = "/srv/state"
[service.db]
command = ["/usr/bin/db"]
colour = "unknown key"
[service.web
command = ["/usr/bin/web"]
[service.broken]
command = ["/usr/bin/broken"
user = 7
[service."quoted"]
command = ["/usr/bin/q"]
[service."../../etc"]
command = ["/bin/evil"]
[group.front]
services = ["web", "db"]
[group.half]
services = ["web"
`,
		"conf.d/more.toml": "[service.more]\ncommand = [\"/bin/more\"]\n",
	})
	n, err := NamesOnly(filepath.Join(dir, "supd.toml"))
	if err == nil {
		t.Error("a broken config gives no error")
	}
	got := map[string]string{}
	for name, id := range n.Services {
		got[name] = id.Command
	}
	want := map[string]string{"db": "/usr/bin/db", "web": "", "broken": "", "quoted": "/usr/bin/q", "more": "/bin/more"}
	if !maps.Equal(got, want) {
		t.Errorf("services: %v, want %v", got, want)
	}
	if strings.Join(n.Groups["front"], " ") != "web db" || n.StateDir != "/srv/state" {
		t.Errorf("groups %v, state %q", n.Groups, n.StateDir)
	}
	if members, known := n.Groups["half"]; !known || members != nil {
		t.Errorf("a group whose table cannot be read: %v %v", members, known)
	}
}

func TestNamesOnlyAgreesWithLoad(t *testing.T) {
	text, err := shipped.ReadFile("examples/web.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "supd.toml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	n, err := NamesOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	p, mistakes := Load(path, Options{Trust: TrustAny})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	if want := p.NamesOf(); !maps.Equal(n.Services, want.Services) || len(n.Groups) != len(want.Groups) || n.StateDir != want.StateDir {
		t.Errorf("%+v, want %+v", n, want)
	}
}

func TestNamesOnlyWithoutAFile(t *testing.T) {
	n, err := NamesOnly(filepath.Join(t.TempDir(), "none.toml"))
	if err == nil || len(n.Services) != 0 {
		t.Errorf("%v %v", n, err)
	}
}

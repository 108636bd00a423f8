package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// story is a diff as one line per change.
func story(old, new *Plan) string {
	var lines []string
	for _, c := range Diff(old, new) {
		mark := ""
		if c.NeedsRestart {
			mark = " (restart)"
		}
		name := c.Service
		if name == "" {
			name = "-"
		}
		lines = append(lines, name+" "+string(c.Kind)+mark+": "+c.Text)
	}
	return strings.Join(lines, "\n")
}

func TestDiff(t *testing.T) {
	const base = web + `
user = "www"
[service.db]
command = ["/usr/bin/db"]
[group.front]
services = ["web"]
[check.tmp]
type = "file"
path = "/tmp"
`
	for _, tc := range []struct{ name, from, to, want string }{
		{"nothing", base, base, ""},
		{"a default spelled out", base, base + "[daemon]\nmode = \"active\"\n", ""},
		{"another order and comments", base, "# hello\n[service.db]\ncommand = [\"/usr/bin/db\"]\n" + strings.Replace(base, "[service.db]\ncommand = [\"/usr/bin/db\"]\n", "", 1), ""},
		{"a policy", base, strings.Replace(base, "user", "restart.policy = \"always\"\nuser", 1),
			`web changed: restart.policy "on-failure" → "always": applied at once`},
		{"the command", base, strings.Replace(base, "/usr/bin/web\"", "/usr/bin/web\", \"-v\"", 1),
			`web changed (restart): command ["/usr/bin/web"] → ["/usr/bin/web", "-v"]: restart needed`},
		{"an environment that was none", base, strings.Replace(base, "user", "env = { A = \"1\" }\nuser", 1),
			`web changed (restart): env.A = "1" is new: restart needed`},
		{"the policy for all", base, base + "[maintenance]\nsettle = \"1m\"\n", `- changed: [maintenance] settle "30s" → "1m": applied at once`},
		{"the policy for all and for one", base, base + "[maintenance]\nsettle = \"1m\"\n[service.db.maintenance]\nsettle = \"1s\"\n",
			"- changed: [maintenance] settle \"30s\" → \"1m\": applied at once\ndb changed: maintenance.settle \"30s\" → \"1s\": applied at once"},
		{"the mode of all", base, base + "[daemon]\nmode = \"observe\"\n", `- changed: [daemon] mode "active" → "observe": applied at once`},
		{"at once and later", base, strings.Replace(base, "user = \"www\"", "dir = \"/srv\"\nrestart.policy = \"never\"", 1),
			`web changed (restart): dir = "/srv" is new, user = "www" is gone: restart needed; restart.policy "on-failure" → "never": applied at once`},
		{"a new service", base, base + "[service.z]\ncommand = [\"/bin/z\"]\n", `z added: is new and will be started`},
		{"a new one that waits", base, base + "[service.z]\ncommand = [\"/bin/z\"]\nautostart = false\n", `z added: is new and not started: autostart = false`},
		{"a new job", base, base + "[service.z]\ncommand = [\"/bin/z\"]\noneshot = true\n", `z added: is new: a job, which runs when it is asked to`},
		{"a vanished service", base + "[service.z]\ncommand = [\"/bin/z\"]\n", base,
			`z removed: orphaned: is no longer in the config; if it runs, it goes on running and supervised as it was`},
		{"a new name", base, strings.Replace(base, "[service.db]", "[service.database]", 1),
			"database added: is \"db\" under a new name: the same command line; a lock on \"db\" holds it too\n" +
				"db removed: orphaned: is no longer in the config; if it runs, it goes on running and supervised as it was; \"database\" has the same command line"},
		{"supd's own place", base, base + "[daemon]\nstate_dir = \"/srv/supd\"\n",
			`- changed (restart): [daemon] state_dir "/var/lib/supd" → "/srv/supd": restart of supd needed`},
		{"a group", base, strings.Replace(base, `services = ["web"]`, `services = ["web", "db"]`, 1),
			`- changed: [group.front] services ["web"] → ["web", "db"]: applied at once`},
		{"a standalone check", base, strings.Replace(base, `path = "/tmp"`, "path = \"/tmp\"\nevery = \"1m\"", 1),
			`- changed: [check.tmp] every "30s" → "1m": applied at once`},
		{"a check that is gone", base, base[:strings.Index(base, "[check.tmp]")], `- removed: [check.tmp] is no longer in the config`},
		{"a check of a service", base, base + "[service.db.check.port]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\n", "db changed: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := story(plain(t, tc.from), plain(t, tc.to))
			if strings.HasSuffix(tc.want, ": ") && strings.HasPrefix(got, tc.want) && strings.Contains(got, `check.port.address = "127.0.0.1:1" is new`) {
				return
			}
			if got != tc.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}

// What a script needs: key by key, what it was, what it is and when it is in force; and the words of it without a value.
func TestDiffKeyByKey(t *testing.T) {
	changes := Diff(plain(t, web+"user = \"www\"\n"), plain(t, web+"dir = \"/srv\"\nstop.timeout = \"5s\"\n[group.g]\nservices = [\"web\"]\n"))
	want := []Change{
		{Service: "web", Kind: Changed, Keys: []string{"dir", "stop.timeout", "user"}, NeedsRestart: true,
			Details: []KeyChange{
				{Key: "dir", To: `"/srv"`, Effect: EffectRestart},
				{Key: "stop.timeout", From: `"10s"`, To: `"5s"`, Effect: EffectNow},
				{Key: "user", From: `"www"`, Effect: EffectRestart},
			},
			Summary: "dir, user changed: restart needed; stop.timeout changed: applied at once",
			Text:    `dir = "/srv" is new, user = "www" is gone: restart needed; stop.timeout "10s" → "5s": applied at once`},
		{Kind: Added, Keys: []string{"group.g"}, Details: []KeyChange{}, Summary: "[group.g] is new", Text: "[group.g] is new"},
	}
	if !reflect.DeepEqual(changes, want) {
		t.Errorf("got\n%+v\nwant\n%+v", changes, want)
	}
}

// An include glob that matches other files than before is seen even where it changes no service.
func TestDiffTellsFiles(t *testing.T) {
	dir := write(t, map[string]string{"supd.toml": "include = [\"conf.d/*.toml\"]\n" + web, "conf.d/a.toml": "# nothing\n"})
	load := func() *Plan {
		plan, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustAny})
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		return plan
	}
	old := load()
	if err := os.Remove(filepath.Join(dir, "conf.d/a.toml")); err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("conf.d/b%d.toml", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.ReplaceAll(story(old, load()), dir+"/", "")
	want := "- changed: also reads conf.d/b0.toml, conf.d/b1.toml, conf.d/b2.toml, conf.d/b3.toml, conf.d/b4.toml, 2 more; no longer reads conf.d/a.toml"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDiffFromNothing(t *testing.T) {
	if got := story(nil, plain(t, web)); got != "web added: is new and will be started" {
		t.Errorf("%s", got)
	}
}

func TestReadyNeedsARestartOnlyForTheNotifySocket(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     bool
	}{{"delay:1s", "delay:2s", false}, {"delay:1s", "notify", true}, {"notify", "delay:1s", false}} {
		changes := Diff(plain(t, web+"ready = \""+tc.from+"\""), plain(t, web+"ready = \""+tc.to+"\""))
		if len(changes) != 1 || changes[0].NeedsRestart != tc.want {
			t.Errorf("%s → %s: %+v", tc.from, tc.to, changes)
		}
	}
}

// A secret that changes is a change, and stays a secret.
func TestSecretsAreNeverShown(t *testing.T) {
	const text = web + `
env = { DB_PASSWORD = "hunter1", API_TOKEN = "t0k3n", PATH = "/bin", FROM_ENV = "${SUPD_TEST_SECRET}" }
[service.web.check.http]
type = "http"
url = "http://bob:passw0rd@127.0.0.1/"
`
	secrets := []string{"hunter", "t0k3n", "passw0rd", "swordfish"}
	old, now := plain(t, text), plain(t, strings.NewReplacer("hunter1", "swordfish", "passw0rd", "swordfish2").Replace(text))
	changes := Diff(old, now)
	if len(changes) != 1 || !reflect.DeepEqual(changes[0].Keys, []string{"check.http.url", "env.DB_PASSWORD"}) || !changes[0].NeedsRestart {
		t.Errorf("changes: %+v", changes)
	}
	for _, shown := range []string{story(old, now), old.Effective(), now.EffectiveService("web"), story(nil, now), old.Services["web"].Identity().Command} {
		for _, s := range secrets {
			if strings.Contains(shown, s) {
				t.Errorf("%q is shown:\n%s", s, shown)
			}
		}
	}
	if shown := old.Effective(); !strings.Contains(shown, `env.FROM_ENV = "${SUPD_TEST_SECRET}"`) || !strings.Contains(shown, `env.PATH = "/bin"`) {
		t.Errorf("what is no secret is not shown:\n%s", shown)
	}
}

// What config show prints is a config of the same meaning.
func TestEffectiveIsAConfig(t *testing.T) {
	for _, f := range []string{"examples/web.toml", "examples/postgres.toml", "demo.toml"} {
		text, err := shipped.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p := plain(t, string(text))
		again, mistakes := LoadBytes("shown.toml", t.TempDir(), []byte(p.Effective()), Options{})
		if mistakes != nil {
			t.Fatalf("%s: shown:\n%s\nmistakes:\n%s", f, p.Effective(), mistakes.Text())
		}
		if diff := story(p, again); diff != "" {
			t.Errorf("%s: shown and read again it differs:\n%s", f, diff)
		}
	}
	if plain(t, web).EffectiveService("none") != "" {
		t.Error("a service that is none is shown")
	}
}

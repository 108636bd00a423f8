package configs

import (
	"strings"
	"testing"
)

// What people type who come from another program or from another format: the message says how the line would be right, and
// repeats no value, which might be a secret.
func TestSlipsOfSyntax(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"supervisord's section", "[program:web]\ncommand=/usr/bin/web\n", `1: this is supervisord's; write [service.web]`},
		{"supervisord's group", "[group:shop]\nprograms=web\n", `1: this is supervisord's; write [group.shop]`},
		{"unit file", "[service.web]\nExecStart=/usr/bin/web --port 80\n", `2: a text stands in quotes, such as ExecStart = "…"; ExecStart is unknown: write command = ["/usr/bin/web", "--port", "8080"]`},
		{"no quotes", "[service.web]\nuser = www-data\n", `2: a text stands in quotes, such as user = "…"`},
		{"no quotes round a path", "[service.web]\ndir = /srv\n", `2: a text stands in quotes, such as dir = "…"`},
		{"a secret without quotes", web + "[service.web.env]\nDB_PASSWORD = hunter2\n", `4: a text stands in quotes, such as DB_PASSWORD = "…"`},
		{"a secret in an inline table", web + "env = { DB_PASSWORD = hunter2 }\n", `3: expected value but found something else instead`},
		{"Python's truth", web + "autostart = True\n", `3: write autostart = true`},
		{"YAML's truth", web + "autostart = no\n", `3: write autostart = false`},
		{"YAML", "service:\n  web:\n", `1: this is TOML: write service = VALUE`},
		{"YAML's pair", web + "user: www\n", `3: this is TOML: write user = VALUE`},
		{"comment", web + "; the shop\n", `3: a comment begins with #`},
		{"C's comment", web + "// the shop\n", `3: a comment begins with #`},
		{"bare umask", web + "umask = 022\n", `3: digits with a zero before them stand in quotes, such as umask = "022"`},
		{"bare duration", web + "ready_timeout = 10s\n", `3: a duration stands in quotes, such as ready_timeout = "10s"`},
		{"no value", web + "user =\n", `3: user has no value`},
		{"open quote", web + "user = \"www\ndir = \"/srv\"\n", `3: a quote is not closed in this line`},
		{"open list", "[service.web]\ncommand = [\"x\"\nuser = \"x\"\n", `3: a comma or the "]" of a list is missing before this line`},
		{"open header", "[service.web\ncommand = [\"x\"]\n", `1: the "]" of the table's name is missing`},
		{"space in a name", "[service.my web]\ncommand = [\"x\"]\n", `1: a name with a space stands in quotes in TOML, and no service or check may have one`},
		{"backslash", web + "description = \"C:\\web\"\n", `3: a backslash in "…" begins an escape; write it twice, or the text in '…'`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, mistakes := LoadBytes("supd.toml", t.TempDir(), []byte(tc.text), Options{Env: testEnv, Trust: TrustAny})
			if len(mistakes) != 1 || mistakes[0].String() != "supd.toml:"+tc.want {
				t.Errorf("got\n%s\nwant\nsupd.toml:%s", mistakes.Text(), tc.want)
			}
			if strings.Contains(mistakes.Text(), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

// Every key that a hint sends somebody to is one that supd has, or one that it says it does not have.
func TestForeignKeysLeadSomewhere(t *testing.T) {
	for table, list := range foreignKeys() {
		seen := map[string]bool{}
		for _, f := range list {
			for _, name := range f.names {
				if seen[name] || name != strings.ToLower(name) || strings.ContainsAny(name, "-_ ") {
					t.Errorf("%s: %q stands twice, or is not written as it is looked for", table, name)
				}
				seen[name] = true
			}
			if f.here != "" && !isKey(f.here) && unbuilt(f.here) == "" && !comingKeys[f.here] {
				t.Errorf("%s: %v lead to %q, which is no key", table, f.names, f.here)
			}
			if f.say == "" {
				t.Errorf("%s: %v say nothing", table, f.names)
			}
		}
	}
}

// A key of a feature that is not built leads to the feature, and one of supd's own in the wrong place to its place.
func TestForeignHints(t *testing.T) {
	for _, tc := range []struct{ table, key, want string }{
		{"service", "WorkingDirectory", "write dir"},
		{"service", "working-directory", "write dir"},
		{"service", "stop_timeout", `write stop.timeout = "10s"`},
		{"service", "backoff_max", ""},
		{"service", "signal", "write it in [service.NAME.stop]: signal"},
		{"service", "restart_policy", `write restart.policy = "on-failure", "always" or "never"`},
		{"service.stop", "env", "write it in [service.NAME]: env"},
		{"service", "colour", ""},
		{"nothing", "x", ""},
	} {
		if got := foreignHint(tc.table, tc.key); got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.table, tc.key, got, tc.want)
		}
	}
	want := "write instances"
	if feature := unbuilt("service.instances"); feature != "" {
		want = "what it asks for is not supported by this version (" + feature + ")"
	}
	if got := foreignHint("service", "numprocs"); got != want {
		t.Errorf("numprocs: %q, want %q", got, want)
	}
}

// comingKeys are in the design and neither built nor refused by name.
var comingKeys = map[string]bool{"service.watchdog": true, "limits.cpu": true, "limits.pids": true}

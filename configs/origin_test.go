package configs

import (
	"path/filepath"
	"strings"
	"testing"
)

// shownOrigins is each key with its origin.
func shownOrigins(p *Plan, service string) map[string]string {
	out := map[string]string{}
	for _, v := range p.Values(service) {
		out[v.Table+" "+v.Key] = v.Origin.String()
	}
	return out
}

// Every value says where it comes from: the line of its key, also in an include and in an inline table; the table that it
// is inherited from; the flag; the default, and which key made it that.
func TestOrigins(t *testing.T) {
	dir := write(t, map[string]string{
		"supd.toml": `include = ["conf.d/*.toml"]
[daemon]
on_exit = "stop"
state_dir = "/a"
[maintenance]
settle = "5s"
[group.all]
services = [
  "db",
]
[check.tmp]
type = "file"
path = "/tmp"
every = "5s"
`,
		"conf.d/db.toml": `# the database
[service.db]
command = ["/usr/bin/db"]
stateful = true
restart = { policy = "always",
  backoff = { first = "1s" } }
[service.db.maintenance]
require_reason = true
[service.db.check."a.b"]
type = "tcp"
address = "127.0.0.1:1"
every = "2s"
[service.job]
command = ["/usr/bin/job"]
oneshot = true
stop.timeout = "1s"
`,
	})
	p, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustAny, StateDir: "/s"})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	main, db := filepath.Join(dir, "supd.toml"), filepath.Join(dir, "conf.d/db.toml")
	got := shownOrigins(p, "")
	for key, want := range map[string]string{
		"daemon on_exit":                          main + ":3",
		"daemon state_dir":                        "--state-dir",
		"daemon run_dir":                          "default",
		"api socket":                              "default, in run_dir",
		"maintenance settle":                      main + ":6",
		"group.all services":                      main + ":8",
		"check.tmp path":                          main + ":13",
		"check.tmp timeout":                       `default because every = "5s"`,
		"check.tmp on_fail":                       "default",
		"service.db command":                      db + ":3",
		"service.db restart.policy":               db + ":5",
		"service.db restart.backoff.first":        db + ":6",
		"service.db restart.backoff.max":          "default",
		"service.db restart.unknown_exit":         "default because stateful = true",
		"service.db restart.limit":                "default because stateful = true",
		"service.db maintenance.require_reason":   db + ":8",
		"service.db maintenance.settle":           "[maintenance] " + main + ":6",
		"service.db maintenance.default_duration": "default",
		"service.db mode":                         "default",
		"service.db check.\"a.b\".address":        db + ":11",
		"service.db check.\"a.b\".timeout":        `default because every = "2s"`,
		"service.job autostart":                   "default because oneshot = true",
		"service.job stop.timeout":                db + ":16",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	if one := shownOrigins(p, "job"); len(one) == 0 || one["daemon on_exit"] != "" || one["service.job command"] != db+":14" {
		t.Errorf("of one service: %v", one)
	}
}

// --observe is stronger than what stands in the files.
func TestOriginOfObserve(t *testing.T) {
	p, mistakes := LoadBytes("x.toml", "/", []byte("[daemon]\nmode = \"active\"\n"+web+"mode = \"active\"\n"), Options{Observe: true, RunDir: "/r"})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	got := shownOrigins(p, "")
	if got["daemon mode"] != "--observe" || got["service.web mode"] != "--observe" || got["daemon run_dir"] != "--run-dir" {
		t.Errorf("%v", got)
	}
}

// Every key of every shipped config has an origin, and the text of config show has it behind the value.
func TestEveryValueHasAnOrigin(t *testing.T) {
	for name, text := range goodConfigs(t) {
		p := plain(t, text)
		for _, v := range p.Values("") {
			if v.Origin.String() == "" || v.Origin.Why == "" && v.Origin.Source.Line == 0 {
				t.Errorf("%s: [%s] %s = %s has no origin", name, v.Table, v.Key, v.Value)
			}
		}
	}
	p := plain(t, web+"description = \"ä\"\n")
	want := `[service.web]
autostart = true                                # default
command = ["/usr/bin/web"]                      # supd.toml:2
description = "ä"                               # supd.toml:3
`
	if got := p.EffectiveService("web"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s…", got, want)
	}
}

package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/supd/supd/supervisor/core"
)

// plain reads a config text that must be good.
func plain(t *testing.T, text string) *Plan {
	t.Helper()
	plan, mistakes := LoadBytes("supd.toml", t.TempDir(), []byte(text), Options{Env: testEnv, Trust: TrustAny})
	if mistakes != nil {
		t.Fatalf("mistakes:\n%s", mistakes.Text())
	}
	return plan
}

// write makes files below a new directory and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// web is a service that is good by itself.
const web = "[service.web]\ncommand = [\"/usr/bin/web\"]\n"

func TestDefaults(t *testing.T) {
	p := plain(t, web)
	if p.Daemon != (Daemon{Mode: ModeActive, StateDir: "/var/lib/supd", RunDir: "/run/supd", OnExit: ExitLeave}) {
		t.Errorf("daemon: %+v", p.Daemon)
	}
	if p.API.Socket != "/run/supd/supd.sock" || p.API.Listen != "" {
		t.Errorf("api: %+v", p.API)
	}
	s := p.Services["web"]
	want := Restart{Policy: RestartOnFailure, OperatorStop: VerdictHold, UnknownExit: VerdictAgain,
		Backoff: Backoff{Then: 100 * time.Millisecond, Factor: 2, Max: time.Minute, Jitter: 0.1, ResetAfter: time.Minute}}
	if s.Restart != want {
		t.Errorf("restart: %+v", s.Restart)
	}
	if s.Ready != (Ready{Mode: ReadyTime, Delay: time.Second}) || s.ReadyTimeout != time.Minute {
		t.Errorf("ready: %+v %s", s.Ready, s.ReadyTimeout)
	}
	if syscall.Signal(s.Stop.Signal) != syscall.SIGTERM || s.Stop.Timeout != 10*time.Second || !s.Autostart || s.Log != LogAuto || s.Mode != ModeActive {
		t.Errorf("service: %+v", s)
	}
	if m := s.Maintenance; m.DefaultDuration != 4*time.Hour || m.RemindEvery != time.Hour || m.Settle != 30*time.Second {
		t.Errorf("maintenance: %+v", m)
	}
}

func TestStatefulHoldsInDoubt(t *testing.T) {
	p := plain(t, `
[service.db]
command = ["/usr/bin/db"]
stateful = true
[service.bold]
command = ["/usr/bin/db"]
stateful = true
restart = { unknown_exit = "restart", limit = "" }
[service.job]
command = ["/usr/bin/job"]
oneshot = true
`)
	if r := p.Services["db"].Restart; r.UnknownExit != VerdictHold || r.Limit != (Limit{N: 10, Per: 10 * time.Minute}) {
		t.Errorf("stateful: %+v", r)
	}
	if r := p.Services["bold"].Restart; r.UnknownExit != VerdictAgain || r.Limit != (Limit{}) {
		t.Errorf("stateful, but told otherwise: %+v", r)
	}
	if p.Services["job"].Autostart {
		t.Error("a job starts by itself")
	}
}

func TestEveryKeyOfAService(t *testing.T) {
	p := plain(t, `
[daemon]
mode = "observe"
[maintenance]
require_reason = true
settle = "5s"
[service.db]
command = ["/usr/bin/db"]
mode = "active"
[service.web]
description = "the shop"
command = ["web", "--port", "8080"]
user = "www"
group = "33"
groups = ["ssl"]
dir = "/srv"
umask = "027"
nice = -5
oom_score_adj = 100
env = { MODE = "production", HOST = "${SUPD_TEST_HOST}:1", LITERAL = "$${HOME}" }
env_file = "/etc/web.env"
paths = ["/srv/web"]
depends_on = ["db"]
autostart = false
ready = "check:up"
ready_timeout = "90s"
log = "file"
log_file = "/var/log/web.log"
on_reload = ["/usr/bin/web", "reload"]
limits = { nofile = 4096 }
[service.web.restart]
policy = "always"
operator_stop = "restart"
unknown_exit = "hold"
backoff = { first = "1s", then = "2s", factor = 3, max = "1h", jitter = 0, reset_after = "1d" }
limit = "5 in 1h30m"
[service.web.stop]
signal = "SIGQUIT"
timeout = "3s"
[service.web.maintenance]
require_ticket = "OPS-[0-9]+"
require = ["up", "tmp", "db/port"]
must_be_free = ["tcp:127.0.0.1:8080", "unix:/run/web.sock"]
[service.web.check.up]
type = "tcp"
address = "127.0.0.1:8080"
[service.db.check.port]
type = "tcp"
address = "127.0.0.1:1"
[check.tmp]
type = "file"
path = "/tmp"
interlocks = ["db"]
[group.front]
services = ["web"]
`)
	s := p.Services["web"]
	if got := s.Env; !reflect.DeepEqual(got, map[string]string{"MODE": "production", "HOST": "db.example.org:1", "LITERAL": "${HOME}"}) {
		t.Errorf("env: %v", got)
	}
	if s.Mode != ModeObserve || p.Services["db"].Mode != ModeActive {
		t.Errorf("modes: web %s, db %s", s.Mode, p.Services["db"].Mode)
	}
	if *s.Umask != 0o027 || *s.Nice != -5 || *s.OOMScore != 100 || s.Limits.Nofile != (CountLimit{Soft: 4096, Hard: 4096, Set: true}) || s.Group != "33" {
		t.Errorf("process: %v %v %v %v %v", s.Umask, *s.Nice, *s.OOMScore, s.Limits, s.Group)
	}
	if !reflect.DeepEqual(s.OnReload, OnReload{Command: []string{"/usr/bin/web", "reload"}}) {
		t.Errorf("on_reload: %+v", s.OnReload)
	}
	m := s.Maintenance
	if !m.RequireReason || m.Settle != 5*time.Second || m.DefaultDuration != 4*time.Hour || len(m.Require) != 3 || len(m.MustBeFree) != 2 {
		t.Errorf("maintenance: own keys over the policy for all: %+v", m)
	}
	if m.TicketOK("OPS-12x") || !m.TicketOK("OPS-12") || m.TicketOK("") || !(Maintenance{}).TicketOK("") {
		t.Error("ticket: the expression is for the whole ticket")
	}
	if c := p.Checks["tmp"]; c.Key() != "tmp" || s.Checks["up"].Key() != "web/up" || !reflect.DeepEqual(c.Options.Interlocks, []string{"db"}) {
		t.Errorf("checks: %v", p.Checks)
	}
	want := core.Spec{
		Name: "web", DependsOn: []string{"db"}, Observe: true, Policy: core.Always, OperatorStop: core.ChooseRestart, UnknownExit: core.ChooseHold,
		Backoff:      core.BackoffRule{First: time.Second, Then: 2 * time.Second, Factor: 3, Max: time.Hour, ResetAfter: 24 * time.Hour},
		Limit:        core.LimitRule{N: 5, Per: 90 * time.Minute},
		Ready:        core.ReadyRule{Mode: core.ReadyCheck, Check: "up"},
		ReadyTimeout: 90 * time.Second, StopTimeout: 3 * time.Second,
	}
	if got := s.Core(); !reflect.DeepEqual(got, want) {
		t.Errorf("core:\n%+v\nwant\n%+v", got, want)
	}
}

func TestReadyModesInTheCoresWords(t *testing.T) {
	for text, want := range map[string]core.ReadyRule{
		`"notify"`:   {Mode: core.ReadyNotify},
		`"delay:2s"`: {Mode: core.ReadyTime, Delay: 2 * time.Second},
		`"delay:0s"`: {Mode: core.ReadyTime},
	} {
		if got := plain(t, web+"ready = "+text).Services["web"].Core().Ready; got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestFlagsOverrideTheFile(t *testing.T) {
	text := "[daemon]\nstate_dir = \"/a\"\nrun_dir = \"/b\"\n" + web + "mode = \"active\"\n"
	p, mistakes := LoadBytes("x", "/", []byte(text), Options{StateDir: "/s", RunDir: "/r", Observe: true})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	if p.Daemon.StateDir != "/s" || p.Daemon.RunDir != "/r" || p.API.Socket != "/r/supd.sock" || p.Services["web"].Mode != ModeObserve {
		t.Errorf("%+v %+v", p.Daemon, p.API)
	}
}

func TestIncludes(t *testing.T) {
	dir := write(t, map[string]string{
		"supd.toml":          "include = [\"conf.d/*.toml\", \"conf.d/b.toml\", \"none/*.toml\"]\n" + web,
		"conf.d/a.toml":      "include = [\"more/x.toml\"]\n[service.a]\ncommand = [\"/bin/a\"]\ndepends_on = [\"x\"]\n",
		"conf.d/b.toml":      "include = [\"../supd.toml\"]\n[service.b]\ncommand = [\"/bin/b\"]\n",
		"conf.d/c.conf":      "not read at all",
		"conf.d/more/x.toml": "[service.x]\ncommand = [\"/bin/x\"]\n",
	})
	p, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustAny})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	if got := strings.Join(sortedKeys(p.Services), " "); got != "a b web x" {
		t.Errorf("services: %s", got)
	}
	var rel []string
	for _, f := range p.Files {
		rel = append(rel, strings.TrimPrefix(f, dir+"/"))
	}
	if got := strings.Join(rel, " "); got != "supd.toml conf.d/a.toml conf.d/more/x.toml conf.d/b.toml" {
		t.Errorf("each file once, in order: %s", got)
	}
	if src := p.Services["x"].Source; src.Line != 1 || src.File != filepath.Join(dir, "conf.d/more/x.toml") {
		t.Errorf("source: %v", src)
	}
}

func TestMistakesOfSeveralFiles(t *testing.T) {
	dir := write(t, map[string]string{
		"supd.toml": "include = [\n  \"a.toml\",\n  \"gone.toml\",\n  \"[\",\n]\n[daemon]\nmode = \"x\"\n[service.web]\ncommand = [\"/bin/w\"]\ndepends_on = [\"perhaps\"]\n",
		"a.toml":    "[daemon]\nmode = \"observe\"\n[service.web]\ncommand = [\"/bin/w\"]\n[check.x]\ntype = \"file\"\n",
	})
	_, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustAny})
	got := strings.ReplaceAll(mistakes.Text(), dir+"/", "")
	// Whether "perhaps" exists cannot be known while gone.toml cannot be read.
	want := `supd.toml:3: cannot read config "gone.toml": no such file or directory
supd.toml:4: include "[" is no glob: syntax error in pattern
supd.toml:7: daemon.mode "x" is unknown; want one of active, observe
a.toml:1: [daemon] is defined twice; first at supd.toml:6
a.toml:3: service "web" is defined twice; first at supd.toml:8`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct{ path, want string }{
		{filepath.Join(dir, "none.toml"), "no such file or directory"},
		{dir, "not a regular file"},
	} {
		_, mistakes := Load(tc.path, Options{Trust: TrustAny})
		want := fmt.Sprintf("%s: cannot read config %q: %s", tc.path, tc.path, tc.want)
		if got := mistakes.Text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestShippedConfigsLoad(t *testing.T) {
	demo, mistakes := LoadBytes("demo.toml", "/", Demo(), Options{StateDir: "/tmp/s", RunDir: "/tmp/r"})
	if mistakes != nil {
		t.Errorf("demo:\n%s", mistakes.Text())
	} else if len(demo.Services) < 3 {
		t.Errorf("the demo has %d services", len(demo.Services))
	}
	files, err := shipped.ReadDir("examples")
	if err != nil || len(files) < 3 {
		t.Fatalf("examples: %d, %v", len(files), err)
	}
	for _, f := range files {
		text, err := shipped.ReadFile("examples/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, mistakes := LoadBytes(f.Name(), t.TempDir(), text, Options{}); mistakes != nil {
			t.Errorf("%s", mistakes.Text())
		}
	}
}

func TestDemoNeedsNothingButAShell(t *testing.T) {
	p, mistakes := LoadBytes("demo.toml", "/", Demo(), Options{})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	for name, s := range p.Services {
		if s.Command[0] != "/bin/sh" || s.User != "" || s.Group != "" {
			t.Errorf("%s: an ordinary user cannot run %q as %q", name, s.Command[0], s.User)
		}
	}
}

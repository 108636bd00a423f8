package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
)

// result is what a command line did.
type result struct {
	code      int
	out, errs string
}

// supctl runs a command line against a socket, in this process.
func supctl(socket string, args ...string) result {
	var out, errs bytes.Buffer
	code := run(append([]string{"--socket", socket}, args...), strings.NewReader(""), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// at is a fixed time of the tests.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sampleStatus() api.StatusReply {
	return api.StatusReply{Healthy: true, Problems: []string{}, Services: []api.ServiceStatus{
		{Name: "db", State: "down", Want: "up", Mode: "active", Since: at, Restarts: 3, Holds: []api.Hold{{Kind: "lock", By: "anna", Reason: "index\x1b[2J rebuild", Since: at, LockID: "7qk2"}}},
		{Name: "web", State: "up", Want: "up", Mode: "active", Since: at, PID: 4711, UptimeS: 3700, Checks: api.CheckCounts{OK: 2}, Groups: []string{"front"}, Holds: []api.Hold{}},
	}}
}

func TestStatusExitCodes(t *testing.T) {
	f := &fake{status: sampleStatus()}
	socket := f.serve(t)
	for _, c := range []struct {
		healthy bool
		args    []string
		code    int
	}{
		{true, []string{"status"}, 0},
		{true, []string{"status", "-q"}, 0},
		{false, []string{"status"}, 1},
		{false, []string{"status", "-o", "json"}, 1},
		{true, []string{"status", "nosuch"}, 3},
		{true, []string{"status", "../etc"}, 2},
	} {
		f.status.Healthy = c.healthy
		if r := supctl(socket, c.args...); r.code != c.code {
			t.Errorf("%v with healthy %v: exit code %d, want %d; %s", c.args, c.healthy, r.code, c.code, r.errs)
		}
	}
}

func TestStatusTable(t *testing.T) {
	f := &fake{status: sampleStatus()}
	socket := f.serve(t)
	r := supctl(socket, "status")
	for _, want := range []string{"NAME", "HOLD", `lock by anna: index\x1b[2J rebuild`, "supctl maintenance show 7qk2", "1h1m", "2 ok", "supd on " + socket} {
		if !strings.Contains(r.out, want) {
			t.Errorf("status lacks %q:\n%s", want, r.out)
		}
	}
	if strings.Contains(r.out, "\x1b") {
		t.Errorf("status to a file has escape sequences: %q", r.out)
	}
	lines := strings.Split(r.out, "\n")
	if strings.Index(lines[0], "STATE") != strings.Index(lines[1], "down") || strings.Index(lines[0], "STATE") != strings.Index(lines[2], "up") {
		t.Errorf("columns are not aligned:\n%s", r.out)
	}
}

func TestStatusJSON(t *testing.T) {
	f := &fake{status: sampleStatus()}
	f.status.Services[1].Holds = nil // what an old daemon might send
	socket := f.serve(t)
	r := supctl(socket, "status", "-o", "json")
	var got struct {
		Services []map[string]json.RawMessage `json:"services"`
		Socket   string                       `json:"socket"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	for _, key := range []string{"name", "state", "since", "pid", "started_at", "restarts", "want", "mode", "holds", "checks"} {
		if _, ok := got.Services[0][key]; !ok {
			t.Errorf("no field %q", key)
		}
	}
	if h := string(got.Services[1]["holds"]); h != "[]" {
		t.Errorf("holds is %s, want a list", h)
	}
	if got.Socket != socket {
		t.Errorf("socket %q", got.Socket)
	}
	if n := strings.Count(r.out, "\n"); n != 1 {
		t.Errorf("%d lines, want one document", n)
	}
}

// Each verb sends what was asked, and each code of the daemon becomes the exit
// code, with the text and what to do next on standard error.
func TestVerbs(t *testing.T) {
	var got api.Action
	reply := api.ActionReply{}
	f := &fake{act: func(_ context.Context, a api.Action, p api.Progress) (api.ActionReply, error) {
		got = a
		p("waiting for db")
		return reply, nil
	}}
	socket := f.serve(t)
	for _, c := range []struct {
		args []string
		want api.Action
	}{
		{[]string{"start", "db", "@web"}, api.Action{Verb: "start", Targets: []string{"db", "@web"}}},
		{[]string{"start", "db", "--override-interlock", "-m", "why"}, api.Action{Verb: "start", Targets: []string{"db"}, OverrideInterlock: true, Reason: "why"}},
		{[]string{"stop", "--all", "--with-dependents"}, api.Action{Verb: "stop", Targets: []string{"--all"}, WithDependents: true}},
		{[]string{"restart", "db", "db", "--no-wait"}, api.Action{Verb: "restart", Targets: []string{"db"}, NoWait: true}},
		{[]string{"restart", "db", "--timeout", "90s", "--override", "-m", "x"}, api.Action{Verb: "restart", Targets: []string{"db"}, TimeoutS: 90, Override: true, Reason: "x"}},
		{[]string{"reload", "web"}, api.Action{Verb: "reload", Targets: []string{"web"}}},
		{[]string{"signal", "HUP", "web"}, api.Action{Verb: "signal", Targets: []string{"web"}, Signal: "HUP"}},
		{[]string{"signal", "web", "SIGUSR1"}, api.Action{Verb: "signal", Targets: []string{"web"}, Signal: "SIGUSR1"}},
		{[]string{"signal", "web", "-s", "10"}, api.Action{Verb: "signal", Targets: []string{"web"}, Signal: "10"}},
	} {
		reply = api.ActionReply{Results: []api.ActionResult{{Service: "db", Text: "done it, pid 12"}}}
		r := supctl(socket, c.args...)
		if r.code != 0 || !strings.Contains(r.out, "db: done it, pid 12") || !strings.Contains(r.errs, "waiting for db\n") {
			t.Errorf("%v: exit code %d, %q, %q", c.args, r.code, r.out, r.errs)
		}
		if g, w := mustJSON(t, got), mustJSON(t, c.want); g != w {
			t.Errorf("%v: asked %s, want %s", c.args, g, w)
		}
	}
	for _, code := range []int{1, 3, 4, 5, 8, 10} {
		reply = api.ActionReply{Code: code, Results: []api.ActionResult{
			{Service: "web", Text: "started"}, {Service: "db", Code: code, Text: `cannot start "db": it is held`, Next: "ask anna"}}}
		r := supctl(socket, "start", "web", "db")
		if r.code != code || !strings.Contains(r.errs, "supctl: cannot start \"db\": it is held\n  ask anna") || !strings.Contains(r.out, "web: started") {
			t.Errorf("code %d: exit code %d, %q, %q", code, r.code, r.out, r.errs)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestQuietAndJSONSayNothingBeside(t *testing.T) {
	f := &fake{act: func(_ context.Context, _ api.Action, p api.Progress) (api.ActionReply, error) {
		p("waiting")
		return api.ActionReply{Results: []api.ActionResult{{Service: "db", Text: "started"}}}, nil
	}}
	socket := f.serve(t)
	if r := supctl(socket, "start", "db", "-q"); r.out+r.errs != "" {
		t.Errorf("-q wrote %q, %q", r.out, r.errs)
	}
	r := supctl(socket, "start", "db", "-o", "json")
	if r.errs != "" || !json.Valid([]byte(r.out)) {
		t.Errorf("JSON: %q, %q", r.out, r.errs)
	}
}

// The daemon refuses the whole request: its word, in both forms.
func TestDaemonsRefusal(t *testing.T) {
	f := &fake{act: func(context.Context, api.Action, api.Progress) (api.ActionReply, error) {
		return api.ActionReply{}, api.Errorf(api.CodeHeld, `cannot start "web": it needs "db", held by anna`).WithNext("supctl maintenance list")
	}}
	socket := f.serve(t)
	r := supctl(socket, "start", "web")
	if want := "supctl: cannot start \"web\": it needs \"db\", held by anna\n  supctl maintenance list\n"; r.code != 4 || r.errs != want {
		t.Errorf("exit code %d, %q, want %q", r.code, r.errs, want)
	}
	r = supctl(socket, "start", "web", "-o", "json")
	if want := `{"error":{"code":4,"message":"cannot start \"web\": it needs \"db\", held by anna","next":"supctl maintenance list"}}` + "\n"; r.code != 4 || r.errs != want {
		t.Errorf("exit code %d, %q, want %q", r.code, r.errs, want)
	}
}

func TestWrongUsage(t *testing.T) {
	socket := (&fake{}).serve(t)
	for _, line := range []string{
		"", "nosuch", "start", "start a/b", "start .. ", "start db --bogus", "start db --timeout soon", "start db --override", "start db --override-interlock",
		"stop", "signal", "signal web", "signal web hup", "wait db", "wait db --for lunch", "wait --for up", "show", "show a b", "explain", "logs", "events a b", "events a --service b",
		"events --since tomorrowish", "reload web --apply", "check", "check run", "check run a b c", "config", "config nosuch", "maintenance", "maintenance nosuch",
		"maintenance start", "maintenance start db --for ever", "maintenance end", "maintenance end db --start --leave-stopped", "maintenance show",
		"maintenance check", "maintenance check a b", "maintenance break x", "maintenance break -m why", "maintenance extend db", "-o yaml status",
		"status --watch --interval 0s", "completion", "completion tcsh", "version x", "upgrade x",
	} {
		if r := supctl(socket, strings.Fields(line)...); r.code != 2 || r.out != "" || r.errs == "" {
			t.Errorf("supctl %s: exit code %d, %q, %q; want 2 and words on standard error only", line, r.code, r.out, r.errs)
		}
	}
	r := supctl(socket, "status", "--bogus", "-o", "json")
	if r.code != 2 {
		t.Errorf("exit code %d", r.code)
	}
}

func TestWait(t *testing.T) {
	f := &fake{wait: func(_ context.Context, w api.Wait) (api.WaitReply, error) {
		r := api.WaitReply{Services: []api.ServiceStatus{{Name: "db", State: "starting"}}}
		if w.TimeoutS == 1 {
			r.Code = api.CodeFailed
		}
		return r, nil
	}}
	socket := f.serve(t)
	if r := supctl(socket, "wait", "db", "--for", "ready"); r.code != 0 || r.out != "db: starting\n" {
		t.Errorf("exit code %d, %q", r.code, r.out)
	}
	r := supctl(socket, "wait", "db", "--for", "ready", "--timeout", "1s")
	if r.code != 1 || !strings.Contains(r.errs, "after 1s not all are ready") || !strings.Contains(r.errs, "supctl status db") {
		t.Errorf("exit code %d, %q", r.code, r.errs)
	}
}

func TestReloadOfTheConfig(t *testing.T) {
	var asked api.Reload
	reply := api.ReloadReply{Generation: 3, Changes: []api.Change{{Service: "web", Kind: "changed", Summary: "command changed: restart needed", Text: "command a → b: restart needed", NeedsRestart: true,
		Details: []api.KeyChange{{Key: "command", From: `["a"]`, To: `["b"]`, Effect: "restart"}, {Key: "env.PASSWORD", From: `"(secret)"`, To: `"(secret)"`, Effect: "restart"},
			{Key: "nice", To: "5", Effect: "restart"}, {Key: "dir", From: `"/"`, Effect: "restart"}, {Key: "stop.timeout", From: `"1s"`, To: `"2s"`, Effect: "now"}}}}, Pending: []string{"web"}}
	f := &fake{
		diff:   api.DiffReply{Changes: []api.Change{{Service: "old", Kind: "removed", Text: "gone", Locked: true}}},
		reload: func(r api.Reload) (api.ReloadReply, error) { asked = r; return reply, nil },
	}
	socket := f.serve(t)
	r := supctl(socket, "reload")
	if r.code != 0 || asked.Apply || !strings.HasPrefix(r.out, `~ web: command changed: restart needed
    command: ["a"] → ["b"] (restart needed)
    env.PASSWORD: another "(secret)" (restart needed)
    nice: new: 5 (restart needed)
    dir: gone: "/" (restart needed)
    stop.timeout: "1s" → "2s" (at once)
`) || !strings.Contains(r.out, "pending: web") {
		t.Errorf("reload: exit code %d, %q", r.code, r.out)
	}
	r = supctl(socket, "reload", "--apply")
	if r.code != 0 || !asked.Apply || !strings.HasPrefix(r.out, "- old: gone (locked: not touched)\n") {
		t.Errorf("reload --apply does not show the difference first: exit code %d, %q", r.code, r.out)
	}
	reply = api.ReloadReply{Code: 1, Mistakes: []string{"supd.toml:3: unknown key"}}
	r = supctl(socket, "reload")
	if r.code != 1 || !strings.Contains(r.out, "supd.toml:3") || !strings.Contains(r.errs, "the old one stays in force") {
		t.Errorf("mistakes: exit code %d, %q, %q", r.code, r.out, r.errs)
	}
}

func TestChecks(t *testing.T) {
	query := api.CheckStatus{Service: "db", Name: "query", Type: "postgres", State: "failing", Detail: "no answer", Failures: 2}
	f := &fake{
		checks:  api.ChecksReply{Checks: []api.CheckStatus{query, {Name: "rootfs", Type: "filesystem", State: "ok"}}},
		history: api.CheckHistoryReply{Service: "db", Check: "query", Results: []journal.CheckResult{{Time: at, State: "ok", Detail: "1 row"}}},
		run: func(_, check string) (api.CheckStatus, error) {
			return api.CheckStatus{Name: check, State: check}, nil // the check's name is its result
		},
	}
	socket := f.serve(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"check list", 0, "db/query"},
		{"check list", 0, "rootfs"},
		{"check show db/query", 0, "2 in a row"},
		{"check show db query", 0, "no answer"},
		{"check show rootfs", 0, "filesystem"},
		{"check show db/nosuch", 3, ""},
		{"check run db/ok", 0, "ok"},
		{"check run failing", 1, "failing"},
		{"check run db unknown", 8, "unknown"},
		{"check history db/query", 0, "1 row"},
	} {
		if r := supctl(socket, strings.Fields(c.args)...); r.code != c.code || !strings.Contains(r.out, c.want) {
			t.Errorf("%s: exit code %d, %q; want %d, …%s…", c.args, r.code, r.out, c.code, c.want)
		}
	}
}

func TestEventsAndLogs(t *testing.T) {
	f := &fake{
		events: []journal.Event{
			{Seq: 1, Time: at, Type: "service.crashed", Service: "db", Severity: "error", Text: "killed\nby SIGSEGV"},
			{Seq: 2, Time: at, Type: "maintenance.started", Service: "web", Severity: "notice", Text: "by anna"},
		},
		logs: []api.LogLine{{Text: "plain\tline"}, {Time: &at, Text: "\x1b]0;title\x07"}},
	}
	socket := f.serve(t)
	r := supctl(socket, "events", "--service", "db")
	if r.code != 0 || !strings.Contains(r.out, `killed\nby SIGSEGV`) || strings.Contains(r.out, "anna") {
		t.Errorf("events: exit code %d, %q", r.code, r.out)
	}
	r = supctl(socket, "events", "-f", "-o", "json")
	if n := strings.Count(r.out, "\n"); n != 2 {
		t.Errorf("events -f -o json: %d lines, want one document for each of 2 events: %q", n, r.out)
	}
	r = supctl(socket, "logs", "web")
	if r.code != 0 || !strings.HasPrefix(r.out, "plain\tline\n") || strings.ContainsAny(r.out, "\x1b\x07") {
		t.Errorf("logs: exit code %d, %q", r.code, r.out)
	}
}

func TestShowExplainVersionConfig(t *testing.T) {
	f := &fake{
		shows: map[string]api.ShowReply{"db": {Service: api.ServiceStatus{Name: "db", State: "up", Want: "up", Source: "supd.toml:7"}, Command: []string{"sh", "-c", "a b"},
			Processes: []api.Process{{PID: 10, Command: "postgres", RSS: 3 << 20}, {PID: 11, Parent: 10, Depth: 1, Command: "writer"}}, Settings: map[string]string{"restart.policy": "always"}}},
		version: api.Version{Version: "v9", PID: 77},
		config: api.ConfigReply{Text: "[service.db]\n\tcommand = [\"x\"]\n", Files: []string{}, Values: []api.ConfigValue{
			{Table: "service.db", Key: "command", Value: `["x"]`, Origin: "supd.toml:8", File: "supd.toml", Line: 8}}},
		diff: api.DiffReply{Mistakes: []string{"supd.toml:1: no"}},
	}
	socket := f.serve(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"show db", 0, "command    sh -c 'a b'"},
		{"show db", 0, "supd.toml:7"},
		{"show db", 0, "3.0M"},
		{"show db", 0, "    writer"},
		{"show db", 0, "restart.policy = always"},
		{"show nosuch", 3, ""},
		{"explain db", 0, "next: check query at "},
		{"explain nosuch", 3, ""},
		{"version", 0, " (admin)"},
		{"upgrade", 0, "supd v9, pid 77"},
		{"config show", 0, "[service.db]\n\tcommand"},
		{"config show db", 0, "[service.db]\n\tcommand"},
		{"config show nosuch", 3, ""},
		{"config show -o json", 0, `"origin":"supd.toml:8"`},
		{"config diff", 1, "supd.toml:1: no"},
	} {
		if r := supctl(socket, strings.Fields(c.args)...); r.code != c.code || !strings.Contains(r.out, c.want) {
			t.Errorf("%s: exit code %d, %q %q; want %d, …%s…", c.args, r.code, r.out, r.errs, c.code, c.want)
		}
	}
}

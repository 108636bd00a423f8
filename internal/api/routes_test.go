package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// examples is one request for each route; a route without one fails the test.
func examples() map[string]string {
	return map[string]string{
		"POST /v1/actions":                      `{"verb":"start","targets":["db"]}`,
		"POST /v1/wait":                         `{"targets":["db"],"for":"up"}`,
		"POST /v1/maintenance/start":            `{"locks":[{"id":"a1","target":"db"}]}`,
		"POST /v1/maintenance/ready":            `{"ids":["a1"],"ticket":"OPS-17"}`,
		"POST /v1/maintenance/end":              `{"ids":["a1"]}`,
		"POST /v1/maintenance/mend":             `{"file":"/var/lib/supd/holds/db/x","new_id":"b2","reason":"garbage"}`,
		"POST /v1/maintenance/break":            `{"id":"a1","new_id":"b2","reason":"gone home"}`,
		"POST /v1/maintenance/transfer":         `{"locks":[{"id":"a1","offers":0}],"to":"ben","note":"night shift"}`,
		"POST /v1/maintenance/accept":           `{"locks":[{"id":"a1","new_id":"b2"}]}`,
		"POST /v1/guard/refused":                `{"service":"db","command":"vacuum.sh"}`,
		"POST /v1/notices/told":                 `{"keys":["break a1"]}`,
		"POST /v1/maintenance/extend":           `{"ids":["a1"],"for_s":60}`,
		"POST /v1/reload":                       `{"apply":true}`,
		"POST /v1/checks/{service}/{check}/run": ``,
		"POST /v1/upgrade":                      ``,
		"GET /v1/maintenance/check":             `target=db`,
		"GET /v1/maintenance/changes":           `id=a1`,
	}
}

// ask puts one request through the server as a peer with a role.
func ask(f *fake, peer Peer, method, path, body string) *httptest.ResponseRecorder {
	s := NewServer(ServerOptions{Backend: f, Roles: func() Roles { return Roles{} }})
	w := httptest.NewRecorder()
	s.dispatch(w, httptest.NewRequest(method, path, strings.NewReader(body)), peer)
	return w
}

// request makes the example request of a route.
func request(t *testing.T, rt *route) (path, body string) {
	t.Helper()
	path = strings.NewReplacer("{name}", "db", "{service}", "db", "{check}", "ping", "{id}", "a1").Replace(rt.path)
	example, ok := examples()[rt.method+" "+rt.path]
	if rt.method == "POST" && !ok {
		t.Fatalf("no example for %s %s", rt.method, rt.path)
	}
	if rt.method == "GET" && ok {
		return path + "?" + example, ""
	}
	return path, example
}

func TestRolesOfRoutes(t *testing.T) {
	want := map[Role]string{
		Viewer: "GET /v1/version, GET /v1/status, GET /v1/services/{name}, POST /v1/wait, GET /v1/maintenance/doctor, " +
			"GET /v1/maintenance/history, GET /v1/notices, POST /v1/notices/told, GET /v1/maintenance/locks, " +
			"GET /v1/maintenance/locks/{id}, GET /v1/maintenance/check, GET /v1/checks, GET /metrics",
		Admin: "POST /v1/maintenance/break, POST /v1/maintenance/mend, POST /v1/upgrade",
	}
	got := map[Role][]string{}
	for _, rt := range routes() {
		got[rt.role] = append(got[rt.role], rt.method+" "+rt.path)
		for _, role := range []Role{Viewer, Operator, Admin} {
			f := &fake{}
			path, body := request(t, &rt)
			w := ask(f, Peer{Role: role, Peer: who.Peer{Owner: lockfile.Owner{Name: "eve"}}}, rt.method, path, body)
			if role >= rt.role {
				if w.Code != http.StatusOK {
					t.Errorf("%s %s as %s: %d %s", rt.method, path, role, w.Code, w.Body)
				}
				continue
			}
			var e errorLine
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusForbidden || e.Error.Code != CodeNotAllowed ||
				!strings.Contains(e.Error.Message, rt.role.String()) || !strings.Contains(e.Error.Message, "eve") {
				t.Errorf("%s %s as %s: %d %s", rt.method, path, role, w.Code, w.Body)
			}
			if len(f.made()) > 0 {
				t.Errorf("%s %s as %s reached the backend: %v", rt.method, path, role, f.made())
			}
		}
	}
	for role, list := range want {
		if s := strings.Join(got[role], ", "); s != list {
			t.Errorf("routes for every %s:\n got %s\nwant %s", role, s, list)
		}
	}
}

func TestUnverifiedPeerMayLookButNotTouch(t *testing.T) {
	peer := Peer{Role: Admin, Peer: who.Peer{Unverified: errGone}}
	for _, rt := range routes() {
		path, body := request(t, &rt)
		f := &fake{}
		w := ask(f, peer, rt.method, path, body)
		if harmless := rt.method == "GET" || rt.role == Viewer; harmless != (w.Code == http.StatusOK) || harmless == strings.Contains(w.Body.String(), "cannot tell who is asking") {
			t.Errorf("%s %s: %d %s", rt.method, path, w.Code, w.Body)
		}
	}
}

func TestViewersSeeNamesStatesAndLocksOnly(t *testing.T) {
	f := &fake{
		show: ShowReply{Service: ServiceStatus{Name: "db", State: "up", Source: "SECRET", Detail: "SECRET"}, Command: []string{"SECRET"}, Dir: "SECRET",
			Processes: []Process{{Command: "SECRET"}}, Checks: []CheckStatus{{Detail: "SECRET"}}, Settings: map[string]string{"x": "SECRET"}, Log: "SECRET",
			Events: []journal.Event{{Text: "SECRET"}}, LastExit: "SECRET", User: "SECRET", Locks: []Lock{{ID: "a1"}}},
		checks: ChecksReply{Checks: []CheckStatus{{Name: "ping", State: "failing", Detail: "SECRET", Value: "SECRET"}}},
	}
	f.status = nil
	for path, visible := range map[string]string{"/v1/services/db": "a1", "/v1/checks": "ping", "/v1/status": "db"} {
		viewer := ask(f, Peer{}, "GET", path, "").Body.String()
		if strings.Contains(strings.ToUpper(viewer), "SECRET") || !strings.Contains(viewer, visible) {
			t.Errorf("%s shows a viewer %s", path, viewer)
		}
		if operator := ask(f, Peer{Role: Operator}, "GET", path, "").Body.String(); !strings.Contains(strings.ToUpper(operator), "SECRET") {
			t.Errorf("%s hides from an operator: %s", path, operator)
		}
	}
}

func TestListsAreNeverNull(t *testing.T) {
	f := &fake{status: func(_ context.Context, _ Peer, _ []string) (StatusReply, error) {
		return StatusReply{Services: []ServiceStatus{{Name: "db"}}}, nil
	}}
	for _, rt := range routes() {
		if rt.shape == raw {
			continue
		}
		path, body := request(t, &rt)
		w := ask(f, Peer{Role: Admin}, rt.method, path, body)
		lines := bytes.Split(bytes.TrimSpace(w.Body.Bytes()), []byte("\n"))
		for key, v := range nulls(t, lines[len(lines)-1]) {
			if !slices.Contains([]string{"login_uid", "started_at", "until", "next_timer", "since", "last", "next", "job", "offer"}, key) {
				t.Errorf("%s %s: %q is %v", rt.method, path, key, v)
			}
		}
	}
}

// nulls are the keys with a null, at any depth.
func nulls(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	found := map[string]any{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if e == nil {
					found[k] = e
				}
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return found
}

func TestPathsAndQueries(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/services/web@1", "Show web@1"},
		{"GET", "/v1/services/a%2Fb", "Show a/b"},
		{"GET", "/v1/services/%2e%2e", "Show .."},
		{"GET", "/v1/maintenance/locks?target=db&target=@web", "Locks [db @web]"},
		{"GET", "/v1/checks/-/rootfs?n=5", `CheckHistory "" "rootfs" 5`},
		{"GET", "/v1/checks/db/ping", `CheckHistory "db" "ping" 0`},
		{"POST", "/v1/checks/-/rootfs/run", `RunCheck "" "rootfs"`},
		{"HEAD", "/v1/status", "Status"},
		{"GET", "/v1/events?follow=0", "Events"},
		{"GET", "/v1/events?follow=1", "FollowEvents"},
		{"GET", "/v1/logs/db?follow=true", "FollowLogs db"},
	} {
		f := &fake{}
		w := ask(f, Peer{Role: Admin}, c.method, c.path, "")
		if got := strings.Join(f.made(), ","); got != c.want || w.Code != http.StatusOK {
			t.Errorf("%s %s: called %q, want %q; %d %s", c.method, c.path, got, c.want, w.Code, w.Body)
		}
	}
	f := &fake{}
	since := "2026-01-02T03:04:05.5+01:00"
	ask(f, Peer{Role: Admin}, "GET", "/v1/events?service=db&type=lock.&limit=-1&since="+strings.ReplaceAll(since, "+", "%2B"), "")
	at, _ := time.Parse(time.RFC3339Nano, since)
	if q := f.query; q.Service != "db" || q.Type != "lock." || q.Limit != -1 || !q.Since.Equal(at) {
		t.Errorf("query: %+v", q)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status, code       int
		message            string
	}{
		{"GET", "/", "", 404, CodeUsage, "no such route"},
		{"GET", "/v1/status/", "", 404, CodeUsage, "no such route"},
		{"GET", "/v1/services//", "", 404, CodeUsage, "no such route"},
		{"GET", "/v1/services/", "", 404, CodeUsage, "no such route"},
		{"GET", "//v1/status", "", 404, CodeUsage, "no such route"},
		{"DELETE", "/v1/status", "", 405, CodeUsage, "DELETE does not go with"},
		{"GET", "/v1/actions", "", 405, CodeUsage, "GET does not go with"},
		{"GET", "/v1/services/none", "", 404, CodeNotFound, `no service "none"`},
		{"GET", "/v1/events?since=yesterday", "", 400, CodeUsage, "no RFC 3339 time"},
		{"GET", "/v1/events?limit=x", "", 400, CodeUsage, "is no number"},
		{"GET", "/v1/maintenance/check", "", 400, CodeUsage, "exactly one target"},
		{"POST", "/v1/actions", "", 400, CodeUsage, "it is empty"},
		{"POST", "/v1/actions", "{", 400, CodeUsage, "cannot read the request"},
		{"POST", "/v1/actions", `[]`, 400, CodeUsage, "cannot read the request"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"]} {}`, 400, CodeUsage, "something follows"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"overide":true}`, 400, CodeUsage, `unknown field "overide"`},
		{"POST", "/v1/actions", `{"verb":"fly","targets":["db"]}`, 400, CodeUsage, `unknown verb "fly"`},
		{"POST", "/v1/actions", `{"verb":"start"}`, 400, CodeUsage, "no target"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["../etc"]}`, 400, CodeUsage, "../etc"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["a/b"]}`, 400, CodeUsage, "a/b"},
		{"POST", "/v1/actions", `{"verb":"signal","targets":["db"]}`, 400, CodeUsage, "signal"},
		{"POST", "/v1/actions", `{"verb":"start","signal":"HUP","targets":["db"]}`, 400, CodeUsage, "signal"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"timeout_s":-1}`, 400, CodeUsage, "out of range"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"timeout_s":1e300}`, 400, CodeUsage, "out of range"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"reason":"` + strings.Repeat("x", 5000) + `"}`, 400, CodeUsage, "5000 bytes, limit 4096"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"reason":"\u0000"}`, 400, CodeUsage, "NUL"},
		{"POST", "/v1/actions", `{"verb":"start","targets":["db"],"override":true}`, 400, CodeUsage, "needs a reason"},
		{"POST", "/v1/wait", `{"targets":["db"],"for":"ever"}`, 400, CodeUsage, `cannot wait for "ever"`},
		{"POST", "/v1/maintenance/start", `{"locks":[]}`, 400, CodeUsage, "no target"},
		{"POST", "/v1/maintenance/start", `{"locks":[{"id":"../x","target":"db"}]}`, 400, CodeUsage, "is no lock id"},
		{"POST", "/v1/maintenance/start", `{"locks":[{"id":"a","target":"db"},{"id":"a","target":"web"}]}`, 400, CodeUsage, "two locks have the id"},
		{"POST", "/v1/maintenance/end", `{"ids":[]}`, 400, CodeUsage, "no lock named"},
		{"POST", "/v1/maintenance/end", `{"ids":["a"],"start":true,"leave_stopped":true}`, 400, CodeUsage, "contradict"},
		{"POST", "/v1/maintenance/break", `{"id":"a","new_id":"b","reason":" "}`, 400, CodeUsage, "needs a reason"},
		{"POST", "/v1/maintenance/mend", `{"file":"a","new_id":"b","reason":"x"}`, 400, CodeUsage, "path from the root"},
		{"POST", "/v1/maintenance/transfer", `{"locks":[{"id":"a"}]}`, 400, CodeUsage, "to whom"},
		{"POST", "/v1/maintenance/transfer", `{"locks":[{"id":"a"}],"to":"ben","withdraw":true}`, 400, CodeUsage, "contradict"},
		{"POST", "/v1/maintenance/accept", `{"locks":[{"id":"a","new_id":"a"}]}`, 400, CodeUsage, "there twice"},
		{"POST", "/v1/maintenance/extend", `{"ids":["a"]}`, 400, CodeUsage, "must not be 0"},
	} {
		f := &fake{}
		w := ask(f, Peer{Role: Admin}, c.method, c.path, c.body)
		var e errorLine
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == nil {
			t.Errorf("%s %s %s: no error document: %s", c.method, c.path, c.body, w.Body)
			continue
		}
		if w.Code != c.status || e.Error.Code != c.code || !strings.Contains(e.Error.Message, c.message) {
			t.Errorf("%s %s %.80s: %d %+v; want %d, %d, %q", c.method, c.path, c.body, w.Code, *e.Error, c.status, c.code, c.message)
		}
		for _, call := range f.made() {
			if call != "Show none" {
				t.Errorf("%s %s %s reached the backend: %s", c.method, c.path, c.body, call)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range examples() {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"verb":"start","targets":["db"],"timeout_s":1e308}`))
	table := routes()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, rt := range table {
			if rt.in == nil {
				continue
			}
			v, err := decode(b, rt.in)
			if err == nil {
				checkDecoded(t, v)
			} else if CodeOf(err) != CodeUsage {
				t.Errorf("%q is refused with code %d", b, CodeOf(err))
			}
		}
	})
}

// checkDecoded asserts what a backend may rely on.
func checkDecoded(t *testing.T, v any) {
	t.Helper()
	names, ids := []string{}, []string{}
	switch v := v.(type) {
	case *Action:
		names = v.Targets
	case *Wait:
		names = v.Targets
	case *GuardRefused:
		names = []string{v.Service}
	case *NoticesTold:
		return
	case *MaintenanceTransfer:
		for _, l := range v.Locks {
			ids = append(ids, l.ID)
		}
	case *MaintenanceAccept:
		for _, l := range v.Locks {
			ids = append(ids, l.ID, l.NewID)
		}
	case *MaintenanceStart:
		for _, l := range v.Locks {
			names, ids = append(names, l.Target), append(ids, l.ID)
		}
	case *MaintenanceReady:
		ids = v.IDs
	case *MaintenanceEnd:
		ids = v.IDs
	case *MaintenanceBreak:
		ids = []string{v.ID, v.NewID}
	case *MaintenanceMend:
		if ids = []string{v.NewID}; !filepath.IsAbs(v.File) {
			t.Errorf("decoded a file %q", v.File)
		}
	case *MaintenanceExtend:
		ids = v.IDs
	case *Reload:
		return
	default:
		t.Fatalf("no check for %T", v)
	}
	if len(names)+len(ids) == 0 {
		t.Errorf("%+v names nothing", v)
	}
	for _, n := range names {
		if _, err := lockfile.ParseTarget(n); err != nil {
			t.Error(err)
		}
	}
	for _, i := range ids {
		if i == "" || strings.ContainsAny(i, "/.\x00") || len(i) > idBytesMax {
			t.Errorf("%q passed as an id", i)
		}
	}
}

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crookedNames lead out of a directory, or would if somebody joined paths with them.
var crookedNames = []string{"..", "../web", "a/b", "/etc", "a/../../b", "web/", "\x00", "a\nb", strings.Repeat("x", 5000)}

// A name that leads elsewhere is refused by both programs, by the API and without the daemon, and makes no file anywhere.
func TestFaultNameWithSlashOrDots(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service(healthy, ""))
	d.up(healthy)
	before := files(t, d.dir)
	for _, name := range crookedNames {
		if strings.ContainsRune(name, 0) { // cannot be an argument
			continue
		}
		for _, verb := range [][]string{{"stop"}, {"start"}, {"maintenance", "start"}, {"maintenance", "check"}} {
			d.ctl(append(verb, name)...).wants(t, 2, "cannot read target")
			d.ctl(append(verb, "@"+name)...).wants(t, 2)
		}
		for _, verb := range []string{"show", "logs", "explain"} {
			if r := d.ctl(verb, name); r.Code != 2 && r.Code != 3 {
				t.Errorf("%s %q: exit code %d, want 2 or 3", verb, name, r.Code)
			}
		}
	}
	for _, name := range crookedNames {
		if code, text := d.api("POST", "/v1/actions", fmt.Sprintf(`{"verb":"stop","targets":[%q]}`, name)); code != 400 {
			t.Errorf("API: stop %q: %d %s", name, code, text)
		}
		if code, text := d.api("POST", "/v1/maintenance/start", fmt.Sprintf(`{"locks":[{"id":"0123456789abcdef","target":%q}]}`, name)); code != 400 {
			t.Errorf("API: lock %q: %d %s", name, code, text)
		}
		if code, text := d.api("POST", "/v1/maintenance/start", fmt.Sprintf(`{"locks":[{"id":%q,"target":"web"}]}`, name)); code != 400 {
			t.Errorf("API: lock with the id %q: %d %s", name, code, text)
		}
		for _, path := range []string{"/v1/services/", "/v1/logs/", "/v1/maintenance/locks/"} {
			if code, text := d.api("GET", path+url.PathEscape(name), ""); code < 400 || code >= 500 {
				t.Errorf("API: GET %s%q: %d %s", path, name, code, text)
			}
		}
	}
	d.undisturbed()
	d.kill9()
	for _, name := range crookedNames {
		if !strings.ContainsRune(name, 0) {
			d.ctl("maintenance", "start", name).wants(t, 2, "cannot read target")
			d.ctl("maintenance", "end", name, "--force").wants(t, 2)
		}
	}
	if after := files(t, d.dir); !slices.Equal(before, after) {
		t.Errorf("files before: %v\nafter: %v", before, after)
	}
}

// files are the names of all files below a directory, but for temporary ones.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.Contains(path, "/state/tmp/") {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// api makes one request on the socket and returns status code and body.
func (d *daemon) api(method, path, body string) (int, string) {
	d.t.Helper()
	code, text, err := d.tryAPI(method, path, strings.NewReader(body))
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return code, text
}

func (d *daemon) tryAPI(method, path string, body io.Reader) (int, string, error) {
	c := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", d.path("run/supd.sock"))
		},
	}}
	req, err := http.NewRequest(method, "http://supd"+path, body)
	if err != nil {
		return 0, "", err
	}
	r, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

// Requests of 10 MB, as body, as path and as header, are refused in words and cost no memory that stays.
func TestFaultHugeRequest(t *testing.T) {
	t.Parallel()
	const huge = 10 << 20
	d := started(t, quick+service(healthy, ""))
	d.up(healthy)
	before := rss(t, d.cmd.Process.Pid)
	for range 5 {
		body := append([]byte(`{"verb":"stop","targets":["web"],"reason":"`), bytes.Repeat([]byte("x"), huge)...)
		code, text, err := d.tryAPI("POST", "/v1/actions", bytes.NewReader(append(body, `"}`...)))
		if err != nil || code != 413 || !strings.Contains(text, "larger than") {
			t.Fatalf("body of 10 MB: %d %s, %v", code, text, err)
		}
	}
	c, err := net.Dial("unix", d.path("run/supd.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	go fmt.Fprintf(c, "GET /v1/status?%s HTTP/1.1\r\nHost: supd\r\n\r\n", strings.Repeat("x", huge))
	answer := make([]byte, 64)
	if n, _ := c.Read(answer); !bytes.Contains(answer[:n], []byte("431")) && !bytes.Contains(answer[:n], []byte("400")) {
		t.Errorf("request line of 10 MB: %q", answer[:n])
	}
	if grown := rss(t, d.cmd.Process.Pid) - before; grown > 3*huge {
		t.Errorf("supd has grown by %d MB", grown>>20)
	}
	d.ctl("status").wants(t, 0)
	d.undisturbed()
}

// rss is the memory of a process in bytes.
func rss(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var size, resident int
	if err == nil {
		_, err = fmt.Sscan(string(text), &size, &resident)
	}
	if err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}

// A thousand connections that say nothing keep neither people nor supd from their work.
func TestFaultSilentConnections(t *testing.T) {
	t.Parallel()
	const connections, promptly = 1000, 5 * time.Second
	d := started(t, quick+service(healthy, "")+service("db", ""))
	d.up(healthy, "db")
	var silent []net.Conn
	defer func() {
		for _, c := range silent {
			c.Close()
		}
	}()
	for i := range connections {
		c, err := net.DialTimeout("unix", d.path("run/supd.sock"), patience)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if i%2 == 0 { // half of them begin to say something
			c.Write([]byte("GET /v1/sta"))
		}
		silent = append(silent, c)
	}
	for _, args := range [][]string{{"status"}, {"maintenance", "start", "db"}, {"restart", "db"}, {"maintenance", "end", "db"}} {
		began := time.Now()
		d.ctl(args...).wants(t, 0)
		if took := time.Since(began); took > promptly {
			t.Errorf("%v took %s", args, took)
		}
	}
	d.undisturbed()
}

// A socket that a dead supd left behind is replaced; anything else in its place is not touched and named.
func TestFaultSocketLeftBehind(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service(healthy, ""))
	d.up(healthy)
	d.kill9()
	if _, err := os.Lstat(d.path("run/supd.sock")); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.up(healthy)
	d.undisturbed()
	d.kill9()
	if err := os.Remove(d.path("run/supd.sock")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path("run/supd.sock"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.begin()
	<-d.gone
	if text, err := os.ReadFile(d.path("run/supd.sock")); err != nil || string(text) != "precious" {
		t.Errorf("the file in the socket's place is gone: %q, %v", text, err)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(d.log(), "it exists and is no socket; move it away") {
		t.Errorf("exit code %d", code)
	}
	d.undisturbed()
}

// A second supd for one state directory refuses, names the first and disturbs nothing; so does one with the same socket.
func TestFaultSecondSupd(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service(healthy, ""))
	pids := d.up(healthy)
	second := func(state, run string) result {
		return personJob{Argv: []string{programs.supd, "--config", d.path("supd.toml"), "--state-dir", state, "--run-dir", run}, Env: d.env(), UID: os.Geteuid()}.run()
	}
	first := fmt.Sprintf("another supd uses it (pid %d)", d.cmd.Process.Pid)
	second(d.path("state"), d.path("run")).wants(t, 1, first)
	second(d.path("state"), d.path("run2")).wants(t, 1, first)
	second(d.path("state2"), d.path("run")).wants(t, 1, "another process listens there")
	if where, err := os.ReadFile(d.path("run/state-dir")); err != nil || strings.TrimSpace(string(where)) != d.path("state") {
		t.Errorf("the first's run directory names %q as state directory now (%v): supctl would lock there when the first is gone", where, err)
	}
	d.waitState(healthy, "up")
	if now := d.up(healthy); now[0] != pids[0] {
		t.Errorf("pid %d before, %d after", pids[0], now[0])
	}
	d.ctl("maintenance", "start", healthy).wants(t, 0)
	d.undisturbed()
	if all := d.starts(healthy); len(all) != 1 {
		t.Errorf("%d starts", len(all))
	}
	d.kill9()
	if got := d.ctl("maintenance", "check", healthy); got.Code != 4 {
		t.Errorf("the lock is not found in the first's directory: %+v", got)
	}
}

// A lock or hold file of garbage holds its own service and no other; status, event, check and the refusal name the file.
func TestFaultGarbageInLockOrHold(t *testing.T) {
	t.Parallel()
	garbage := map[string]string{"noise": "\x00\xff\x17]]=\n\x80", "empty": "", "toml of somebody else": "[dragons]\nhere = true\n", "huge": strings.Repeat("a = 1\n", 1<<18)}
	for what, text := range garbage {
		for _, file := range []string{"locks/service/db/0123456789abcdef.toml", "holds/db/0123456789abcdef.toml"} {
			t.Run(what+" in "+filepath.Dir(file), func(t *testing.T) {
				t.Parallel()
				d := started(t, quick+service("db", "")+service(healthy, ""))
				d.up("db", healthy)
				if err := os.WriteFile(d.state(file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				s := d.waitHold("db", "unreadable")
				if !strings.Contains(s.Holds[0].Reason, d.state(file)) || s.State != "up" {
					t.Errorf("%s, %+v does not name the file", s.State, s.Holds)
				}
				d.ctl("status").wants(t, 1, d.state(file))
				d.ctl("maintenance", "check", "db").wants(t, 8, d.state(file))
				d.ctl("maintenance", "check", healthy).wants(t, 0)
				d.ctl("restart", "db").wants(t, 4, d.state(file))
				d.ctl("restart", healthy).wants(t, 0)
				eventually(t, "the alert", func() string {
					if r := d.ctl("events", "--service", "db", "--type", "service.unreadable"); !strings.Contains(r.Out, d.state(file)) {
						return strconv.Quote(r.both())
					}
					return ""
				})
				d.shoot("db", 9)
				d.waitState("db", "down")
				d.unchanged("a crash under an unreadable lock is not repaired", "db")
				d.kill9()
				d.ctl("maintenance", "check", "db").wants(t, 8, d.state(file))
				d.start()
				d.waitHold("db", "unreadable")
				d.unchanged("nor by the next supd", "db")
				if len(d.starts("db")) != 1 || len(d.starts(healthy)) != 2 {
					t.Errorf("starts: db %v, %s %v", d.starts("db"), healthy, d.starts(healthy))
				}
				if err := os.Remove(d.state(file)); err != nil {
					t.Fatal(err)
				}
				d.ctl("start", "db").wants(t, 0)
			})
		}
	}
}

// Who is nobody to supd sees names, states and locks, and nothing else; and acts on nothing.
func TestFaultViewerSeesOnlyNamesStatesAndLocks(t *testing.T) {
	t.Parallel()
	const secret = "hush-hush"
	d := started(t, quick+service(healthy, "[service.web.env]\nPASSWORD = \""+secret+"\"\n"))
	d.up(healthy)
	needsRoot(t)
	d.ctl("maintenance", "start", healthy, "-m", "new disk").wants(t, 0)
	nobody := d.login(4711, 65534)
	for _, c := range []struct {
		args []string
		code int
		say  string
	}{
		{[]string{"status"}, 0, healthy},
		{[]string{"show", healthy}, 0, "up"},
		{[]string{"maintenance", "list"}, 0, "new disk"},
		{[]string{"maintenance", "check", healthy}, 4, "locked"},
		{[]string{"wait", healthy, "--for", "up"}, 0, ""},
		{[]string{"logs", healthy}, 10, "operator role"},
		{[]string{"events"}, 10, "operator role"},
		{[]string{"explain", healthy}, 10, "operator role"},
		{[]string{"config", "diff"}, 10, "operator role"},
		{[]string{"start", healthy}, 10, "sudo"},
		{[]string{"stop", healthy}, 10, "operator role"},
		{[]string{"restart", healthy}, 10, "operator role"},
		{[]string{"signal", healthy, "HUP"}, 10, "operator role"},
		{[]string{"reload"}, 10, "operator role"},
		{[]string{"upgrade"}, 10, "admin role"},
		{[]string{"maintenance", "start", healthy}, 10, "operator role"},
		{[]string{"maintenance", "break", d.locks()[0].ID, "-m", "x", "--yes"}, 10, "admin role"},
	} {
		r := nobody.ctl(c.args...).wants(t, c.code, c.say)
		if strings.Contains(r.both(), secret) || strings.Contains(r.both(), programs.self) {
			t.Errorf("%v shows what is no viewer's business: %s", c.args, r.both())
		}
		if r := nobody.ctl(append(c.args, "-o", "json")...); strings.Contains(r.both(), secret) || strings.Contains(r.both(), programs.self) {
			t.Errorf("%v -o json shows what is no viewer's business: %s", c.args, r.both())
		}
	}
	d.undisturbed()
	if len(d.locks()) != 1 {
		t.Errorf("locks: %v", d.locks())
	}
}

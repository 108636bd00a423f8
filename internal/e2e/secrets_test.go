package e2e

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The secrets that are planted, each in another place. They look alike, so that one search finds any of them.
const canary = "cAnArY"

// planted is a config with a secret in every place where one can stand, and with things that go wrong around them: what
// cannot be started, reached or found is what texts are written about.
func planted(httpAddr, metrics string) string {
	return quick + `
[api]
listen = "` + metrics + `"
` + service("web", `description = "${E2E_TEXT}"
dir = "${E2E_DIR_SECRET}"
env_file = "$DIR/web.env"
[service.web.env]
DB_PASSWORD = "cAnArY-literal"
FROM_ENV = "${E2E_TOKEN}"
DATABASE_URL = "postgres://bob:cAnArY-url@127.0.0.1/db"
[service.web.maintenance]
require_ticket = "${E2E_TEXT}"
[service.web.check.refused]
type = "http"
url = "http://bob:cAnArY-check@127.0.0.1:1/?token=${E2E_TOKEN}"
every = "300ms"
[service.web.check.answers]
type = "http"
url = "http://`+httpAddr+`/?key=${E2E_TOKEN}"
headers = { Authorization = "Bearer cAnArY-header" }
every = "300ms"
expect = { status = 200, body = "${E2E_TOKEN}" }
[service.web.check.says]
type = "program"
command = ["/bin/sh", "-c", "echo $TOKEN $DB_PASSWORD; echo $TOKEN >&2; exit 3"]
env = { TOKEN = "${E2E_TOKEN}", DB_PASSWORD = "cAnArY-program" }
every = "300ms"
when = "changed"
[service.web.check.there]
type = "file"
path = "$DIR/${E2E_TOKEN}"
every = "300ms"
`) + service("nodir", "dir = \"/nonexistent/${E2E_TOKEN}\"\n") +
		service("nouser", "user = \"${E2E_TOKEN}\"\n") +
		service("nofile", "env_file = \"$DIR/${E2E_TOKEN}.env\"\n") +
		service("badfile", "env_file = \"$DIR/bad.env\"\n") + `
[check.alone]
type = "tcp"
address = "${E2E_TOKEN}.invalid:80"
every = "300ms"
`
}

// TestSecretsAreNeverShown plants a secret wherever a config can have one, lets things go wrong, and looks for it in
// every output of every command, in the log, in the record, in the metrics, and in all that supd writes.
func TestSecretsAreNeverShown(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable) // and repeats what it was asked, as servers do
		fmt.Fprintf(w, "no %s for %s", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	metrics := "127.0.0.1:" + portOf(freePort(t))
	text := planted(strings.TrimPrefix(server.URL, "http://"), metrics)
	d := newDaemon(t, text)
	secretDir := d.path("srv-cAnArY-dir")
	if err := os.Mkdir(secretDir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("web.env", "PIN=cAnArY-file\n")
	write("bad.env", "PIN=1\ncAnArY-bad is no setting\n")
	d.wrap = []string{"/usr/bin/env", "E2E_TOKEN=cAnArY-env", "E2E_TEXT=cAnArY text", "E2E_DIR_SECRET=" + secretDir}
	d.start()
	pid := d.up("web")[0]

	// The process has them all: what is not shown must not be lost.
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DB_PASSWORD=cAnArY-literal\x00", "FROM_ENV=cAnArY-env\x00", "bob:cAnArY-url@", "PIN=cAnArY-file\x00"} {
		if !bytes.Contains(environ, []byte(want)) {
			t.Errorf("the service has no %s", want)
		}
	}
	for _, check := range []string{"web/refused", "web/answers", "web/says", "web/there", "alone"} {
		eventually(t, "a result of "+check, func() string {
			if r := d.ctl("check", "show", check, "-o", "json"); r.Code != 0 || strings.Contains(r.Out, `"state":"pending"`) {
				return r.Out + r.Err
			}
			return ""
		})
	}
	for _, name := range []string{"nodir", "nouser", "nofile", "badfile"} {
		d.ctl("start", name, "--timeout", "2s")
	}
	d.looksClean(t, "running", metrics)

	// A reload that changes them, with mistakes first: what is wrong is said, and not with which value.
	d.config(strings.ReplaceAll(text, "DATABASE_URL =", "mode = 5\nPASSWORD = 123456\nDATABASE_URL = 7\n#"))
	d.ctl("config", "check")
	d.looksClean(t, "a config with mistakes", metrics)
	d.config(strings.ReplaceAll(text, "DB_PASSWORD = \"cAnArY-literal\"", "DB_PASSWORD = cAnArY-noquotes"))
	d.looksClean(t, "a config that is no TOML", metrics)
	d.config(strings.ReplaceAll(text, "cAnArY-literal", "cAnArY-changed"))
	d.ctl("reload").wants(t, 0, "env.DB_PASSWORD")
	d.looksClean(t, "reloaded", metrics)

	// Under a lock, after a crash, adopted by the next supd, and without one.
	d.ctl("maintenance", "start", "web", "-m", "work")
	d.looksClean(t, "locked", metrics)
	d.shoot("web", syscall.SIGKILL)
	d.waitState("web", "down")
	d.kill9()
	d.looksClean(t, "dead", "")
	d.start()
	d.looksClean(t, "again", metrics)
}

// looksClean fails for each place in which a secret is.
func (d *daemon) looksClean(t *testing.T, when, metrics string) {
	t.Helper()
	see := func(where, text string) {
		t.Helper()
		for _, line := range strings.Split(text, "\n") {
			if i := strings.Index(line, canary); i >= 0 {
				t.Errorf("%s: %s: …%s…", when, where, line[max(0, i-80):min(len(line), i+80)])
				return
			}
		}
	}
	for _, command := range []string{"status", "status web", "show web", "show nodir", "show nouser", "show nofile", "show badfile", "explain web",
		"explain nodir", "explain nouser", "check list", "check show web/refused", "check show web/answers", "check show web/says", "check show web/there",
		"check show alone", "check history web/answers", "check history web/says", "check run web/says", "check run web/answers", "events",
		"config check", "config show", "config show web", "config diff", "config schema", "maintenance list", "maintenance check web", "start nodir --timeout 1s",
		"start nouser --timeout 1s", "reload", "version", "maintenance start nodir -m x", "maintenance end nodir --force"} {
		forms := []string{"json"}
		if when == "running" || when == "again" {
			forms = append(forms, "table")
		}
		for _, form := range forms {
			r := d.ctl(append(strings.Fields(command), "-o", form)...)
			see("supctl "+command+" -o "+form, r.Out+r.Err)
		}
	}
	check := exec.Command(programs.supd, "--check", "--config", d.path("supd.toml"))
	check.Env = append(os.Environ(), "E2E_TOKEN=cAnArY-env", "E2E_TEXT=cAnArY text", "E2E_DIR_SECRET=/cAnArY-dir")
	out, _ := check.CombinedOutput()
	see("supd --check", string(out))
	see("the log", d.log())
	if metrics != "" {
		for _, url := range []string{"/metrics", "/healthz", "/readyz"} {
			r, err := http.Get("http://" + metrics + url)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			see(url, string(body))
		}
		anybody := d.login(6001, 65534)
		for _, command := range []string{"status", "show web", "check list"} {
			r := anybody.ctl(append(strings.Fields(command), "-o", "json")...)
			see("a viewer's supctl "+command, r.Out+r.Err)
		}
	}
	// The state and run directories are readable by who may read a backup of them.
	for _, dir := range []string{d.path("state"), d.path("run")} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil // a socket, or a file that is gone by now
			}
			if content, err := os.ReadFile(path); err == nil {
				see(path, string(content))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

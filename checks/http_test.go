package checks

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// site is a server with a page for each case.
func site(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "all is ok") })
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "db down", http.StatusServiceUnavailable) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		w.Header().Set("X-Kind", "echo; v=1")
		fmt.Fprintf(w, "%s %s host=%s key=%s auth=%s:%s body=%s", r.Method, r.URL, r.Host, r.Header.Get("X-Key"), user, password, body)
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			io.WriteString(w, strings.Repeat("x", 1000))
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "the end")
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 2*replyBytesMax)+"the end")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestHTTP(t *testing.T) {
	at := site(t).URL
	host := strings.TrimPrefix(at, "http://")
	for name, c := range map[string]struct {
		path, table string
		state       State
		parts       []string
	}{
		"ok":                      {"/ok", "", OK, []string{"HTTP 200 from " + at + "/ok"}},
		"status wanted":           {"/down", `expect = { status = [200, "500-599"] }`, OK, nil},
		"status not wanted":       {"/down", "", Failing, []string{"HTTP 503 from " + at + `/down, want 200-399; body: "db down"`}},
		"another status wanted":   {"/ok", `expect = { status = 204 }`, Failing, []string{"HTTP 200 from", "want 204"}},
		"body":                    {"/ok", `expect = { body = "is ok" }`, OK, nil},
		"body missing":            {"/ok", `expect = { body = "perfect" }`, Failing, []string{`the body "all is ok" has not "perfect" in it`}},
		"body regex":              {"/ok", `expect = { body_regex = "^all.*ok$" }`, OK, nil},
		"redirect is an answer":   {"/moved", `expect = { status = 302 }`, OK, []string{"HTTP 302"}},
		"redirect is followed":    {"/moved", "redirects = 1\nexpect = { body = \"ok\" }", OK, []string{"HTTP 200 from " + at + "/ok"}},
		"redirects end":           {"/loop", "redirects = 3\nexpect = { status = 200 }", Failing, []string{"HTTP 302 from"}},
		"method, header, body":    {"/echo?a=b", "method = \"POST\"\nbody = \"hello\"\nheaders = { X-Key = \"k\", Host = \"other\" }\nexpect = { body = \"POST /echo?a=b host=other key=k auth=: body=hello\" }", OK, nil},
		"header wanted":           {"/echo", `expect = { headers = { x-kind = "v=1" } }`, OK, nil},
		"header not wanted":       {"/echo", `expect = { headers = { X-Kind = "v=2" } }`, Failing, []string{`header X-Kind is "echo; v=1" and has not "v=2" in it`}},
		"header missing":          {"/echo", `expect = { headers = { X-None = "" } }`, Failing, []string{`header X-None is ""`}},
		"head":                    {"/ok", `method = "HEAD"`, OK, nil},
		"in many chunks":          {"/chunks", `expect = { body = "the end" }`, OK, nil},
		"beyond what is searched": {"/long", `expect = { body = "the end" }`, Failing, []string{`has not "the end" in it`}},
	} {
		t.Run(name, func(t *testing.T) {
			noneLeftBehind(t)
			r := made(t, "http", "url = \""+at+c.path+"\"\n"+c.table).Run(within(t, 5*time.Second), Env{})
			expectDetail(t, r, c.state, c.parts...)
			if r.Values["status"].IsZero() || r.Values["response_time"].IsZero() {
				t.Errorf("values are %v", r.Values)
			}
		})
	}
	t.Run("password", func(t *testing.T) {
		c := made(t, "http", "url = \"http://bob:secret@"+host+"/echo\"\nexpect = { body = \"auth=bob:secret\" }")
		expectDetail(t, c.Run(within(t, 5*time.Second), Env{}), OK)
		c = made(t, "http", "url = \"http://bob:secret@"+host+"/down\"")
		if r := c.Run(within(t, 5*time.Second), Env{}); strings.Contains(r.Detail, "secret") {
			t.Errorf("the detail shows the password: %s", r.Detail)
		}
		c = made(t, "http", "url = \"http://bob:secret@"+closedPort(t)+"/\"")
		if r := c.Run(within(t, 5*time.Second), Env{}); strings.Contains(r.Detail, "secret") || r.State != Failing {
			t.Errorf("the detail shows the password: %s", r.Detail)
		}
	})
	t.Run("size", func(t *testing.T) {
		r := made(t, "http", "url = \""+at+"/ok\"").Run(within(t, 5*time.Second), Env{})
		if got := r.Values["size"].String(); got != "9B" {
			t.Errorf("size is %s, want 9B", got)
		}
	})
}

// TestSecretsStayWithTheirHost: a redirect elsewhere takes neither password nor headers along.
func TestSecretsStayWithTheirHost(t *testing.T) {
	other := site(t)
	first := httptest.NewServer(http.RedirectHandler(other.URL+"/echo", http.StatusTemporaryRedirect))
	t.Cleanup(first.Close)
	c := made(t, "http", "url = \""+strings.Replace(first.URL, "://", "://bob:secret@", 1)+"\"\nredirects = 1\nheaders = { X-Key = \"k\" }\nexpect = { body = \"key= auth=: \" }")
	expectDetail(t, c.Run(within(t, 5*time.Second), Env{}), OK)
}

func TestHTTPOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	servedBy(t, l, saying("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	r := made(t, "http", "url = \"http://docker/ping\"\nunix_socket = \""+path+"\"\nexpect = { body = \"ok\" }").Run(within(t, 5*time.Second), Env{})
	expectDetail(t, r, OK, "HTTP 200 from http://docker/ping")
}

func TestHTTPS(t *testing.T) {
	good, ca := certificate(t, time.Now().Add(time.Hour), "good.test")
	old, oldCA := certificate(t, time.Now().Add(-time.Hour), "good.test")
	serve := func(cert tls.Certificate) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.Config.ErrorLog = quiet
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	goodURL, oldURL := serve(good), serve(old)
	for name, c := range map[string]struct {
		url, table string
		state      State
		parts      []string
	}{
		"verified":           {goodURL, `ca_file = "` + ca + `"`, OK, nil},
		"by name":            {goodURL, "server_name = \"good.test\"\nca_file = \"" + ca + `"`, OK, nil},
		"unknown authority":  {goodURL, "", Failing, []string{"certificate signed by unknown authority"}},
		"not verified":       {goodURL, "verify = false", OK, nil},
		"wrong name":         {goodURL, "server_name = \"bad.test\"\nca_file = \"" + ca + `"`, Failing, []string{"good.test, not bad.test"}},
		"expired":            {oldURL, `ca_file = "` + oldCA + `"`, Failing, []string{"certificate has expired"}},
		"no ca_file":         {goodURL, `ca_file = "/nonexistent.pem"`, Failing, []string{"ca_file", "no such file"}},
		"https to http port": {strings.Replace(site(t).URL, "http:", "https:", 1), "", Failing, []string{"does not look like a TLS handshake"}},
		"http to https port": {strings.Replace(goodURL, "https:", "http:", 1), "", Failing, []string{"HTTP 400"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := made(t, "http", "url = \""+c.url+"/\"\n"+c.table).Run(within(t, 5*time.Second), Env{})
			expectDetail(t, r, c.state, c.parts...)
		})
	}
}

func TestBadHTTPTables(t *testing.T) {
	for table, want := range map[string]string{
		``:                                  `url is missing`,
		`url = "ftp://h/"`:                  `url must begin with http://HOST or https://HOST`,
		`url = "http:///x"`:                 `url must begin with http://HOST or https://HOST`,
		`url = "http://u:pw@h:x/"`:          `url is no URL: invalid port ":x" after host`,
		`url = "http://h:0/"`:               `url has no port between 1 and 65535`,
		"method = 'get'":                    `method "get" is no method such as GET, HEAD or POST`,
		"redirects = 21":                    `redirects must be between 0 and 20, not 21`,
		"unix_socket = 'x'":                 `unix_socket "x" is no absolute path`,
		"headers = { \"a b\" = '' }":        `headers has "a b", which is no header`,
		"headers = { a = \"x\\r\\ny: z\" }": `headers has "a", which is no header`,
		"expect = { status = [] }":          `expect.status is empty: no answer would do`,
		"verify = false\nca_file = '/x'":    `ca_file is of no use with verify = false`,
		"expect = { body_regex = '[' }":     "expect.body_regex is no regular expression: missing closing ]: `[`",
	} {
		if !strings.Contains(table, "url") && table != "" {
			table = "url = 'http://h/'\n" + table
		}
		_, c := decode(t, mustLookup(t, "http"), table)
		if got := errText(c.Validate()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", strings.ReplaceAll(table, "\n", "; "), got, want)
		}
	}
	var set StatusSet
	for _, bad := range []any{"2xx", "299-200", int64(-1), int64(1000), true, []any{true}} {
		if err := set.UnmarshalTOML(bad); err == nil {
			t.Errorf("status %v is read as %v", bad, set)
		}
	}
}

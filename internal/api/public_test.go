package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// public is the TCP server on a loopback port.
func public(t *testing.T, o PublicOptions) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewPublic(o)
	done := make(chan error, 1)
	go func() { done <- ServePublic(s, l) }()
	t.Cleanup(func() {
		_ = s.Shutdown(context.Background())
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("ServePublic: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

func TestPublicServer(t *testing.T) {
	f := &fake{}
	base := public(t, PublicOptions{Backend: f, Hosts: []string{"supd.example.org"}})
	for _, c := range []struct {
		method, path, host string
		health             error
		status             int
		body               string
	}{
		{"GET", "/metrics", "", nil, 200, "supd_up 1"},
		{"HEAD", "/metrics", "", nil, 200, ""},
		{"GET", "/healthz", "", nil, 200, "ok"},
		{"GET", "/readyz", "", nil, 200, "ok"},
		{"GET", "/readyz", "", errors.New("3 services not observed yet"), 503, "3 services not observed yet"},
		{"GET", "/healthz", "", errors.New("the loop hangs"), 503, "the loop hangs"},
		{"POST", "/metrics", "", nil, 405, ""},
		{"DELETE", "/healthz", "", nil, 405, ""},
		{"GET", "/v1/status", "", nil, 404, ""},
		{"POST", "/v1/actions", "", nil, 404, ""},
		{"GET", "/healthz", "localhost:9712", nil, 200, "ok"},
		{"GET", "/healthz", "[::1]:9712", nil, 200, "ok"},
		{"GET", "/healthz", "SUPD.example.org", nil, 200, "ok"},
		{"GET", "/healthz", "evil.example.com", nil, 421, "does not answer for the name"},
		{"GET", "/metrics", "evil.example.com:9712", nil, 421, "does not answer for the name"},
		{"GET", "/healthz", "127.0.0.1.evil.example.com", nil, 421, "does not answer for the name"},
	} {
		f.health = c.health
		req, err := http.NewRequest(c.method, base+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.body) {
			t.Errorf("%s %s for %q: %d %q, want %d %q", c.method, c.path, c.host, resp.StatusCode, body, c.status, c.body)
		}
	}
	if len(f.made()) > 0 {
		t.Errorf("reached the backend: %v", f.made())
	}
}

func TestDashboardIsReadOnly(t *testing.T) {
	base := public(t, PublicOptions{Backend: &fake{}, Dashboard: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "dashboard") })})
	for method, status := range map[string]int{"GET": 200, "POST": 405} {
		req, _ := http.NewRequest(method, base+"/index.html", nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", method, resp.StatusCode, status)
		}
	}
}

func TestPublicServerWithManySilentConnections(t *testing.T) {
	base := public(t, PublicOptions{Backend: &fake{}})
	for range 1000 {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	client := http.Client{Timeout: FirstLine}
	resp, err := client.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// PublicOptions of the read-only TCP server.
type PublicOptions struct {
	Backend   Backend
	Hosts     []string     // further names that a request's Host may have; IP addresses, localhost and the host's own name always may
	Dashboard http.Handler // nil: none. It must not change anything
}

const publicWriteMax = 30 * time.Second

// NewPublic makes the server for `[api] listen`: /metrics, /healthz, /readyz and
// the dashboard, to be started with ServePublic.
func NewPublic(o PublicOptions) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", o.Backend.Metrics())
	mux.HandleFunc("GET /healthz", healthHandler(o.Backend.Healthy))
	mux.HandleFunc("GET /readyz", healthHandler(o.Backend.Ready))
	if o.Dashboard != nil {
		mux.Handle("GET /", o.Dashboard)
	}
	return &http.Server{
		Handler:           checkHost(o.Hosts, mux),
		ReadHeaderTimeout: headerReadMax,
		ReadTimeout:       bodyReadMax,
		WriteTimeout:      publicWriteMax,
		IdleTimeout:       idleMax,
		MaxHeaderBytes:    headerBytesMax,
	}
}

// ServePublic answers on l until the server is shut down (http.ErrServerClosed).
func ServePublic(s *http.Server, l net.Listener) error {
	return s.Serve(&publicListener{l, newConnTable()})
}

func healthHandler(state func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := state(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// checkHost refuses requests that a web page sent here under a name of its own
// (DNS rebinding): a browser on this host would lend it our loopback.
func checkHost(hosts []string, next http.Handler) http.Handler {
	own, _ := os.Hostname() // without one, its name is just not accepted
	hosts = append([]string{"localhost", own}, hosts...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hostAllowed(r.Host, hosts) {
			replyStatus(w, http.StatusMisdirectedRequest, Errorf(CodeNotAllowed, "this server does not answer for the name %q", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostAllowed(host string, hosts []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host != "" && slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// publicListener counts connections by address. Its connections are always
// silent to the table, so the oldest go first.
type publicListener struct {
	net.Listener
	table *connTable
}

func (l *publicListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	return l.table.add(c, host), nil // never nil: none is busy
}

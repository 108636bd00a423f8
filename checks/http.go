package checks

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func init() {
	Register(Kind{
		Name: "http",
		Doc: `Sends one HTTP/1.1 request over a connection of its own, over TLS when the URL says https, and judges status, ` +
			`headers and body. Certificates are verified unless verify = false. Proxies of the environment are not used. ` +
			`Redirects are answers like any other unless redirects allows some.`,
		Example: `url = "http://127.0.0.1:8080/healthz"
headers = { Accept = "application/json" }
expect = { status = "200-299", body = "ok" }
when = "response_time > 2s for 1m"
every = "10s"
timeout = "5s"
`,
		Values: []Term{
			{Name: "response_time", Unit: UnitSeconds, Doc: "from the start of the connection to the last byte that was needed"},
			{Name: "status", Unit: UnitCount, Doc: "of the last answer"},
			{Name: "size", Unit: UnitBytes, Doc: "of the body, where the peer tells it or it was read to its end"},
		},
		New: func() Config {
			return &HTTP{Method: http.MethodGet, Verify: true, Expect: HTTPExpect{Status: StatusSet{{200, 399}}}}
		},
		Configure: func(o *Options) { o.FailAfter.Count = networkFailAfter },
	})
}

// HTTP is the table of a check of type http.
type HTTP struct {
	URL        string            `toml:"url"`
	UnixSocket string            `toml:"unix_socket"` // connect here instead of to the URL's host
	Method     string            `toml:"method"`
	Headers    map[string]string `toml:"headers"` // Host too
	Body       string            `toml:"body"`
	Redirects  int               `toml:"redirects"`   // followed at most; then a redirect is the answer
	Verify     bool              `toml:"verify"`      // the server's certificate
	CAFile     string            `toml:"ca_file"`     // PEM; "" = the system's. Read at every look
	ServerName string            `toml:"server_name"` // in the certificate; "" = the URL's host
	Expect     HTTPExpect        `toml:"expect"`
}

// HTTPExpect is what the answer has to be.
type HTTPExpect struct {
	Status    StatusSet         `toml:"status"`
	Body      string            `toml:"body"`       // a text in it
	BodyRegex string            `toml:"body_regex"` // found in it
	Headers   map[string]string `toml:"headers"`    // a text in each
}

// redirectsMax is what browsers allow.
const redirectsMax = 20

// Validate is Config's.
func (c *HTTP) Validate() error {
	var found []error
	bad := func(key, format string, args ...any) { found = append(found, badKey(key, format, args...)) }
	switch u, err := url.Parse(c.URL); {
	case c.URL == "":
		bad("url", "is missing")
	case err != nil:
		// The error of url.Parse repeats the URL, which may have a password in it.
		bad("url", "is no URL: %s", errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		bad("url", `must begin with http://HOST or https://HOST`)
	case u.Port() != "":
		if _, err := parseAddress(u.Host); err != nil {
			bad("url", "has no port between 1 and 65535")
		}
	}
	if c.UnixSocket != "" && !strings.HasPrefix(c.UnixSocket, "/") {
		bad("unix_socket", "%q is no absolute path", clip(c.UnixSocket, quotedMax))
	}
	if c.CAFile != "" && !strings.HasPrefix(c.CAFile, "/") {
		bad("ca_file", "%q is no absolute path", clip(c.CAFile, quotedMax))
	}
	if c.CAFile != "" && !c.Verify {
		bad("ca_file", "is of no use with verify = false")
	}
	if c.Method == "" || strings.ContainsFunc(c.Method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		bad("method", "%q is no method such as GET, HEAD or POST", clip(c.Method, quotedMax))
	}
	if c.Redirects < 0 || c.Redirects > redirectsMax {
		bad("redirects", "must be between 0 and %d, not %d", redirectsMax, c.Redirects)
	}
	if len(c.Expect.Status) == 0 {
		bad("expect.status", "is empty: no answer would do")
	}
	for _, name := range sortedNames(c.Headers) {
		if !validHeader(name, c.Headers[name]) {
			bad("headers", "has %s, which is no header", excerpt([]byte(name)))
		}
	}
	return errors.Join(append(found, validRegex("expect.body_regex", c.Expect.BodyRegex))...)
}

// validHeader keeps a header from becoming two, or a request of somebody else's making (RFC 9110, 5.6.2).
func validHeader(name, value string) bool {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }
	return name != "" && !strings.ContainsFunc(name, bad) && !strings.ContainsAny(value, "\r\n\x00")
}

// sortedNames gives a map one order, for messages and requests that do not differ from run to run.
func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Make is Config's.
func (c *HTTP) Make() Check {
	u, _ := url.Parse(c.URL) // judged by Validate
	return &httpCheck{HTTP: *c, url: u, want: newPattern(c.Expect.Body, c.Expect.BodyRegex)}
}

// target is where to connect for a URL.
func (c *httpCheck) target(u *url.URL) address {
	if c.UnixSocket != "" {
		return address{"unix", c.UnixSocket}
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return address{"tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))}
}

// measured adds what is known of an answer to a result.
func measured(r Result, begin time.Time, a *answer) Result {
	r = r.With("response_time", Seconds(time.Since(begin))).With("status", Count(float64(a.status)))
	if a.size >= 0 {
		r = r.With("size", Bytes(float64(a.size)))
	}
	return r
}

package checks

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Limits of one answer. Its body is bounded by replyBytesMax.
const (
	headBytesMax    = 64 << 10
	interimMax      = 5                      // answers of status 1xx before the real one
	excerptPatience = 250 * time.Millisecond // for the body of an answer that has failed already: it is only for the message
)

// httpCheck is an HTTP made ready.
type httpCheck struct {
	HTTP
	url  *url.URL
	want pattern
}

// answer is what is kept of a response.
type answer struct {
	url    *url.URL // it came from
	status int
	header http.Header
	body   []byte // as much as was read
	found  bool   // the body has what is wanted
	size   int64  // of the body, -1: not known
}

// Run is Check's. One connection per request and no pool: a check is also about accepting connections.
func (c *httpCheck) Run(ctx context.Context, _ Env) Result {
	begin := time.Now()
	u, method, body := c.url, c.Method, c.Body
	for hop := 0; ; hop++ {
		a, err := c.exchange(ctx, u, method, body)
		if err != nil {
			if a == nil {
				return failed(ctx, begin, "get an answer from "+u.Redacted(), err)
			}
			doing := fmt.Sprintf("read the body of HTTP %d from %s behind its first %s", a.status, u.Redacted(), bytesText(float64(len(a.body))))
			return measured(failed(ctx, begin, doing, err), begin, a)
		}
		next, follow := redirectOf(a)
		if !follow || hop >= c.Redirects {
			return measured(c.judge(a), begin, a)
		}
		// 307 and 308 ask for the same request again; after the others browsers send a GET.
		if a.status != http.StatusTemporaryRedirect && a.status != http.StatusPermanentRedirect && method != http.MethodHead {
			method, body = http.MethodGet, ""
		}
		u = next
	}
}

// judge compares an answer with what is expected: status, headers, body. The first difference is the verdict, and says
// what was wanted and what came.
func (c *httpCheck) judge(a *answer) Result {
	from := a.url.Redacted()
	if !c.Expect.Status.Has(a.status) {
		text := fmt.Sprintf("HTTP %d from %s, want %s", a.status, from, c.Expect.Status.text())
		if len(a.body) > 0 {
			text += "; body: " + excerpt(a.body)
		}
		return Fail("%s", text)
	}
	for _, name := range sortedNames(c.Expect.Headers) {
		want := c.Expect.Headers[name]
		if got, ok := a.header[http.CanonicalHeaderKey(name)]; !ok || !strings.Contains(strings.Join(got, ", "), want) {
			return Fail("HTTP %d from %s, but header %s is %s and has not %q in it", a.status, from, name, excerpt([]byte(strings.Join(got, ", "))), clip(want, quotedMax))
		}
	}
	if !c.want.empty() && !a.found {
		return Fail("HTTP %d from %s, but %s", a.status, from, unmet("the body", c.want, a.body))
	}
	return Pass("HTTP %d from %s", a.status, from)
}

// redirectOf is where an answer sends its reader; false if it is no redirect that can be followed.
func redirectOf(a *answer) (*url.URL, bool) {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, false
	}
	to, err := a.url.Parse(a.header.Get("Location"))
	return to, err == nil && a.header.Get("Location") != "" && to.Hostname() != "" && (to.Scheme == "http" || to.Scheme == "https")
}

// exchange sends one request and reads as much of the answer as is needed. With an error, the answer is what came before it.
func (c *httpCheck) exchange(ctx context.Context, u *url.URL, method, body string) (*answer, error) {
	req, err := c.request(u, method, body)
	if err != nil {
		return nil, err
	}
	plain, err := dial(ctx, c.target(u))
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	conn := net.Conn(plain)
	if u.Scheme == "https" {
		if conn, err = c.secure(plain, u); err != nil {
			return nil, err
		}
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	// What the head may take is bounded first, then what the body may.
	limit := &io.LimitedReader{R: conn, N: headBytesMax}
	resp, err := readHead(bufio.NewReader(limit), req)
	if err != nil {
		if limit.N <= 0 {
			err = fmt.Errorf("its head is longer than %s", bytesText(headBytesMax))
		}
		return nil, err
	}
	defer resp.Body.Close()
	limit.N = 2 * replyBytesMax // the framing of chunks comes on top
	a := &answer{url: u, status: resp.StatusCode, header: resp.Header, size: resp.ContentLength}
	return a, c.readBody(ctx, a, resp.Body, conn)
}

// readBody reads what judge needs of the body: until the pattern is found, or a little for the message.
func (c *httpCheck) readBody(ctx context.Context, a *answer, body io.Reader, conn net.Conn) error {
	if !c.Expect.Status.Has(a.status) {
		if _, follow := redirectOf(a); !follow {
			until := time.Now().Add(excerptPatience)
			if end, ok := ctx.Deadline(); ok && end.Before(until) {
				until = end
			}
			conn.SetReadDeadline(until)
			a.body = make([]byte, quotedMax*4)
			n, _ := io.ReadFull(body, a.body)
			a.body = a.body[:n]
		}
		return nil
	}
	// Nobody asks for the body: an endless one is no failure, and reading it would be wasted.
	if c.want.empty() {
		return nil
	}
	var err error
	a.body, a.found, err = collect(body, c.want)
	if errors.Is(err, errTooLong) || a.found {
		return nil
	}
	if err == nil {
		a.size = int64(len(a.body))
	}
	return err
}

// readHead reads up to the body of the answer proper, past answers that only announce one (103 Early Hints).
func readHead(r *bufio.Reader, req *http.Request) (*http.Response, error) {
	for range interimMax {
		const protocol = "HTTP/"
		if begin, err := r.Peek(len(protocol)); err == nil && string(begin) != protocol {
			said, _ := r.Peek(r.Buffered())
			return nil, fmt.Errorf("it does not speak HTTP, it says %s", excerpt(said))
		}
		resp, err := http.ReadResponse(r, req)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
	}
	return nil, fmt.Errorf("more than %d interim answers", interimMax)
}

// request makes one request. It asks for the connection to be closed, so that the end of the body is the end of it.
func (c *httpCheck) request(u *url.URL, method, body string) (*http.Request, error) {
	req, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = true
	req.Header.Set("User-Agent", "supd-check")
	if u.Host != c.url.Host || u.Scheme != c.url.Scheme {
		// What was configured may be secret. It is for the host it was configured for, not for whom that redirects to.
		return req, nil
	}
	if user := c.url.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	for name, value := range c.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// secure speaks TLS on a connection. Its deadline bounds the handshake.
func (c *httpCheck) secure(conn net.Conn, u *url.URL) (net.Conn, error) {
	// HTTP/2 is not offered: what follows speaks 1.1.
	conf := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: !c.Verify, NextProtos: []string{"http/1.1"}}
	if conf.ServerName == "" {
		conf.ServerName = u.Hostname()
	}
	// Read at every look: certificates are renewed without anybody telling supd.
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %q has no certificate in it", c.CAFile)
		}
	}
	secure := tls.Client(conn, conf)
	return secure, secure.Handshake()
}

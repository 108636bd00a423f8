package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/supd/supd/internal/journal"
)

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func refused(t *testing.T, c net.Conn, status, code int) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	var e errorLine
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || e.Error == nil || e.Error.Code != code || resp.StatusCode != status {
		t.Errorf("HTTP %d %+v (%v), want %d with code %d", resp.StatusCode, e.Error, err, status, code)
	}
}

func TestTooLargeRequest(t *testing.T) {
	f := &fake{}
	c, _ := served(t, f)
	for _, x := range []struct {
		name string
		size int
		send func(c net.Conn, body io.Reader, size int)
	}{
		{"10 MB with its length", 10 << 20, func(c net.Conn, body io.Reader, size int) {
			fmt.Fprintf(c, "POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
			_, _ = io.Copy(c, body)
		}},
		{"10 MB in chunks", 10 << 20, func(c net.Conn, body io.Reader, size int) {
			fmt.Fprint(c, "POST /v1/actions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
			fmt.Fprintf(c, "%x\r\n", size)
			_, _ = io.Copy(c, body)
			fmt.Fprint(c, "\r\n0\r\n\r\n")
		}},
		{"one byte over", bodyBytesMax + 1, func(c net.Conn, body io.Reader, size int) {
			fmt.Fprintf(c, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
			_, _ = io.Copy(c, body)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			conn := dial(t, c.Socket())
			x.send(conn, io.LimitReader(strings.NewReader(strings.Repeat(" ", x.size)), int64(x.size)), x.size)
			refused(t, conn, http.StatusRequestEntityTooLarge, CodeUsage)
		})
	}
	if len(f.made()) > 0 {
		t.Errorf("reached the backend: %v", f.made())
	}
	if _, err := c.Status(t.Context(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestThousandSilentConnections(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 3000 {
		t.Fatalf("needs 3000 descriptors, has %d (%v)", limit.Cur, err)
	}
	c, s := served(t, &fake{})
	for range 1000 {
		dial(t, c.Socket())
	}
	for range 20 {
		if _, err := c.Status(t.Context(), nil); err != nil { // within FirstLine, or it is an error
			t.Fatal(err)
		}
	}
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if n := len(s.table.conns); n > connsPerKeyMax {
		t.Errorf("%d connections are open, limit %d", n, connsPerKeyMax)
	}
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	c, _ := served(t, &fake{}, func(s *Server) {
		s.http.ReadHeaderTimeout, s.http.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	for name, says := range map[string]string{
		"says nothing":         "",
		"half a header":        "GET /v1/status HTTP/1.1\r\nHo",
		"idle after a request": "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		conn := dial(t, c.Socket())
		_, _ = io.WriteString(conn, says)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGarbageDisturbsNobody(t *testing.T) {
	f := &fake{}
	c, _ := served(t, f)
	for _, g := range []string{
		"\x00\x01\x02\x03", "GET\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz",
		"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", headerBytesMax*2) + "\r\n\r\n",
		"GET " + strings.Repeat("/", 10000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"CONNECT evil:80 HTTP/1.1\r\nHost: evil\r\n\r\n", "GET http://evil/v1/nothing HTTP/1.1\r\nHost: evil\r\n\r\n",
	} {
		conn := dial(t, c.Socket())
		_, _ = io.WriteString(conn, g)
		_ = conn.(*net.UnixConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, _ := io.ReadAll(conn)
		if strings.HasPrefix(string(answer), "HTTP/1.1 2") {
			t.Errorf("%.40q was answered with %.80q", g, answer)
		}
	}
	if len(f.made()) > 0 {
		t.Errorf("reached the backend: %v", f.made())
	}
	if _, err := c.Status(t.Context(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTooManyBusyConnections(t *testing.T) {
	begun := make(chan struct{}, connsPerKeyMax)
	c, s := served(t, &fake{follow: func(ctx context.Context, _ func(journal.Event) error) error {
		begun <- struct{}{}
		<-ctx.Done()
		return nil
	}})
	var first context.CancelFunc
	ended := make(chan error, connsPerKeyMax)
	for range connsPerKeyMax {
		ctx, cancel := context.WithCancel(t.Context())
		first = cancel
		go func() { ended <- c.FollowEvents(ctx, journal.Query{}, nil) }()
		<-begun
	}
	conn := dial(t, c.Socket())
	refused(t, conn, http.StatusServiceUnavailable, CodeUnreachable)
	first()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	eventually(t, "room for one more", func() bool {
		s.table.mu.Lock()
		defer s.table.mu.Unlock()
		return len(s.table.conns) < connsPerKeyMax
	})
	if _, err := c.Status(t.Context(), nil); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// A client that asks for much and reads nothing is given up; nobody waits for it.
func TestClientThatDoesNotRead(t *testing.T) {
	over := make(chan error, 1)
	stuck := make(chan struct{})
	c, _ := served(t, &fake{follow: func(ctx context.Context, each func(journal.Event) error) error {
		for i := 0; ; i++ {
			if i == 1000 {
				close(stuck) // more than a socket's buffer holds
			}
			if err := each(journal.Event{Text: strings.Repeat("x", 1000)}); err != nil {
				over <- err
				return err
			}
		}
	}})
	conn := dial(t, c.Socket())
	fmt.Fprint(conn, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.Status(t.Context(), nil); err != nil {
		t.Errorf("meanwhile: %v", err)
	}
	conn.Close()
	if err := <-over; err == nil {
		t.Error("it was not told")
	}
	select {
	case <-stuck:
		t.Error("a megabyte was written to a client that reads nothing")
	default:
	}
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	live, err := Listen(in("live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	stale, err := Listen(in("stale"))
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	if err := os.WriteFile(in("file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(in("stale"), in("link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"new", in("new"), ""},
		{"left behind", in("stale"), ""},
		{"somebody listens", in("live"), "another process listens there"},
		{"a file", in("file"), "is no socket"},
		{"a link", in("link"), "is no socket"},
		{"no directory", in("no/such"), "no such file or directory"},
		{"too long", in(strings.Repeat("x", 120)), "choose a shorter run_dir"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Listen(c.path)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			info, err := os.Stat(c.path)
			if err != nil || info.Mode().Perm() != socketMode {
				t.Errorf("mode %v, %v", info, err)
			}
		})
	}
	if b, _ := os.ReadFile(in("file")); string(b) != "precious" {
		t.Error("the file was touched")
	}
	if c, err := net.Dial("unix", in("live")); err != nil {
		t.Errorf("the living socket was touched: %v", err)
	} else {
		c.Close()
	}
}

// A daemon that hangs with a full queue is alive all the same.
func TestListenSparesAHungDaemonWithAFullQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil { // room for one
		t.Fatal(err)
	}
	dial(t, path)
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Errorf("got %v", err)
	}
	cl := NewClient(path)
	if _, err := cl.Version(t.Context()); !IsUnreachable(err) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("the client got %v", err)
	}
}

package checks

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	hostileTimeout = 300 * time.Millisecond
	hostileSlack   = 700 * time.Millisecond // for a machine that has other things to do
	hostileBytes   = 16 << 20               // allocated over one look, buffers that were outgrown included
)

// hostilePeers do what no server should.
var hostilePeers = map[string]func(net.Conn){
	"silence":              drain,
	"immediate close":      func(net.Conn) {},
	"close after request":  saying(""),
	"one byte at a time":   forever("x", 20*time.Millisecond),
	"endless garbage":      forever(strings.Repeat("\x00\xff garbage ", 500), 0),
	"endless single bytes": forever("\n", 0),
	"endless header":       saying("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4*headBytesMax)),
	"header without end": func(conn net.Conn) {
		conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
		forever("A: "+strings.Repeat("b", 1000)+"\r\n", 0)(conn)
	},
	"endless body": func(conn net.Conn) {
		conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		forever(strings.Repeat("lorem ipsum ", 300), 0)(conn)
	},
	"body one byte at a time": func(conn net.Conn) {
		conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"))
		forever("x", 20*time.Millisecond)(conn)
	},
	"endless chunks": func(conn net.Conn) {
		conn.Write([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
		forever("5;ext=\"0123456789\"\r\nhello\r\n", 0)(conn)
	},
	"body that breaks off":  saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
	"wrong length":          saying("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
	"no http":               saying("SSH-2.0-OpenSSH_9.2\r\n"),
	"interim answers":       forever("HTTP/1.1 100 Continue\r\n\r\n", 0),
	"redirect to itself":    saying("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
	"redirect to elsewhere": saying("HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\nContent-Length: 0\r\n\r\n"),
	"terminal escapes":      saying("HTTP/1.1 500 \x1b[2J\r\nContent-Length: 9\r\n\r\n\x1b]0;pwn\x07"),
	"tls alert":             saying("\x15\x03\x01\x00\x02\x02\x28"),
}

func TestHostilePeers(t *testing.T) {
	for name, talk := range hostilePeers {
		t.Run(name, func(t *testing.T) {
			noneLeftBehind(t)
			at := peerOn(t, talk)
			for _, table := range []string{
				"tcp address = \"%s\"\nsend = \"hello\"\nexpect = \"what nobody says\"",
				"tcp address = \"%s\"\nexpect_regex = \"(nobody|says)+ this [0-9]+$\"",
				"http url = \"http://%s/\"\nredirects = 5\nexpect = { body = \"what nobody says\" }",
				"http url = \"https://%s/\"\nverify = false\nexpect = { body_regex = \"nobody|says\" }",
			} {
				kind, text, _ := strings.Cut(table, " ")
				endures(t, made(t, kind, fmt.Sprintf(text, at)), fmt.Sprintf(table, at))
			}
		})
	}
}

// endures wants a failure with a clean reason, within the time and the memory.
func endures(t *testing.T, c Check, what string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	r := c.Run(within(t, hostileTimeout), Env{})
	took := time.Since(begin)
	t.Logf("%s: %v: %s", strings.ReplaceAll(what, "\n", "; "), took, r.Detail)
	runtime.ReadMemStats(&after)
	if took > hostileTimeout+hostileSlack {
		t.Errorf("%s: took %v", what, took)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > hostileBytes {
		t.Errorf("%s: allocated %d bytes", what, used)
	}
	if r.State != Failing || r.Detail == "" || len(r.Detail) > detailBytesMax {
		t.Errorf("%s: %s, %q", what, r.State, r.Detail)
	}
	if strings.ContainsFunc(r.Detail, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		t.Errorf("%s: the detail has control characters in it: %q", what, r.Detail)
	}
	if strings.Contains(r.Detail, "context deadline") || strings.Contains(r.Detail, "i/o timeout") {
		t.Errorf("%s: the detail speaks of this program's insides: %q", what, r.Detail)
	}
}

// TestHostilePeerThatNeverAccepts fills a listener's backlog: the connection itself gets no answer.
func TestHostilePeerThatNeverAccepts(t *testing.T) {
	noneLeftBehind(t)
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	endures(t, made(t, "tcp", `address = "unix:`+l.Addr().String()+`"`+"\nexpect = \"x\""), "no accept")
}

func TestHTTPBoundsNameThemselves(t *testing.T) {
	for name, want := range map[string]string{
		"header without end": "its head is longer than 64K",
		"endless header":     "its head is longer than 64K",
		"interim answers":    "more than 5 interim answers",
		"no http":            `it does not speak HTTP, it says "SSH-2.0-OpenSSH_9.2"`,
		"immediate close":    "it closes the connection too early",
	} {
		t.Run(name, func(t *testing.T) {
			c := made(t, "http", "url = \"http://"+peerOn(t, hostilePeers[name])+"/\"")
			expectDetail(t, c.Run(within(t, 5*time.Second), Env{}), Failing, want)
		})
	}
}

// TestBrokenOffWhileThePeerIsSilent: a check that is removed from the config does not run until its timeout.
func TestBrokenOffWhileThePeerIsSilent(t *testing.T) {
	noneLeftBehind(t)
	for _, table := range []string{"tcp address = \"%s\"\nexpect = \"x\"", "http url = \"http://%s/\"", "http url = \"https://%s/\""} {
		arrived := make(chan struct{}, 1)
		at := peerOn(t, func(conn net.Conn) {
			if strings.HasPrefix(table, "http") {
				conn.Read(make([]byte, 1))
			}
			arrived <- struct{}{}
			drain(conn)
		})
		kind, text, _ := strings.Cut(table, " ")
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		expectDetail(t, made(t, kind, fmt.Sprintf(text, at)).Run(ctx, Env{}), Unknown, "broken off")
	}
}

func FuzzHTTPAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: //\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		at := peerOn(t, func(conn net.Conn) {
			go drain(conn)
			conn.Write(sent)
			conn.(*net.TCPConn).CloseWrite()
		})
		r := made(t, "http", "url = \"http://"+at+"/\"\nexpect = { body = \"ok\" }").Run(within(t, 2*time.Second), Env{})
		if r.State == OK && !strings.Contains(string(sent), "ok") && !strings.Contains(string(sent), "o") {
			t.Fatalf("%q is taken for a good answer", sent)
		}
		if r.State != OK && r.Detail == "" {
			t.Fatal("no reason")
		}
	})
}

func FuzzCollect(f *testing.F) {
	f.Add([]byte("+PONG\r\n"), "PONG", `^\+P`, 3)
	f.Fuzz(func(t *testing.T, sent []byte, text, expr string, piece int) {
		if validRegex("x", expr) != nil || text == "" && expr == "" || piece < 1 {
			return
		}
		p := newPattern(text, expr)
		got, found, err := collect(&pieces{sent, piece}, p)
		if err == nil && !found && p.in(sent) && len(sent) < replyBytesMax {
			t.Fatalf("%q has %s in it and was not found", sent, p)
		}
		if found && !p.in(got) || len(got) > replyBytesMax {
			t.Fatalf("found in %q, which has not %s in it", got, p)
		}
	})
}

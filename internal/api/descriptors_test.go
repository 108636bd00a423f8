package api

import (
	"bufio"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// lines gives each line of a log to a channel, or drops it.
type logLines chan string

func (l logLines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
	default:
	}
	return len(b), nil
}

// Without a free descriptor the server says so, and goes on when there is one.
func TestNoFreeDescriptors(t *testing.T) {
	l, socket := listening(t)
	conn := dial(t, socket) // waits in the listener's queue
	fmt.Fprint(conn, "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n")

	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0 // what is open stays open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
	defer restore()

	said := make(logLines, 16)
	s := NewServer(ServerOptions{Backend: &fake{}, Roles: func() Roles { return Roles{} }, Log: slog.New(slog.NewTextHandler(said, nil))})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	if line := <-said; !strings.Contains(line, "too many open files") {
		t.Errorf("it said %q", line)
	}
	restore()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %v, %v", resp, err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

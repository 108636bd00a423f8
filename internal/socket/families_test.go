package socket

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// freeAt is a port that is free at the moment on both loopback addresses, for tcp and udp.
func freeAt(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "[::]:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		p, err := net.ListenPacket("udp", "[::]:"+port)
		l.Close()
		if err == nil {
			p.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// Who talks to an address reaches the socket that was opened for it, and for no other family.
func TestFamiliesAreReached(t *testing.T) {
	port := freeAt(t)
	for _, c := range []struct {
		open     string
		network  string
		reached  []string
		separate []string
	}{
		{"tcp:127.0.0.1:" + port, "tcp", []string{"127.0.0.1"}, []string{"[::1]"}},
		{"tcp:[::1]:" + port, "tcp", []string{"[::1]"}, []string{"127.0.0.1"}},
		{"tcp::" + port, "tcp", []string{"127.0.0.1", "[::1]"}, nil},
		{"tcp:[::]:" + port, "tcp", []string{"127.0.0.1", "[::1]"}, nil},
		{"udp:127.0.0.1:" + port, "udp", []string{"127.0.0.1"}, []string{"[::1]"}},
		{"udp:[::1]:" + port, "udp", []string{"[::1]"}, []string{"127.0.0.1"}},
		{"udp::" + port, "udp", []string{"127.0.0.1", "[::1]"}, nil},
	} {
		t.Run(c.open, func(t *testing.T) {
			fd, err := Open(parsed(t, c.open), Owner{-1, -1})
			if err != nil {
				t.Fatal(err)
			}
			defer Close(fd)
			for _, host := range c.reached {
				conn, err := net.Dial(c.network, host+":"+port)
				if err != nil {
					t.Fatalf("from %s: %v", host, err)
				}
				defer conn.Close()
				if _, err := conn.Write([]byte(host)); err != nil {
					t.Fatal(err)
				}
				if got := read(t, fd, c.network); got != host {
					t.Errorf("%q was read, %q was written", got, host)
				}
			}
			for _, host := range c.separate {
				conn, err := net.Dial(c.network, host+":"+port)
				if err == nil { // udp hears of it at the second word
					conn.Write([]byte("x"))
					_, err = conn.Write([]byte("y"))
					conn.Close()
				}
				if !errors.Is(err, unix.ECONNREFUSED) {
					t.Errorf("from %s: %v", host, err)
				}
			}
		})
	}
}

// read gives what was written to a socket that Open made, which blocks as systemd's do.
func read(t *testing.T, fd int, network string) string {
	t.Helper()
	if network == "tcp" {
		conn, _, err := unix.Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(conn)
		fd = conn
	}
	buf := make([]byte, 64)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// A port that only root may have: the error says why, and how an ordinary user's supd could.
func TestLowPortOfAnOrdinaryUser(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		t.Fatal(err)
	}
	if first := strings.TrimSpace(string(limit)); first == "0" || first == "1" {
		t.Skip("ip_unprivileged_port_start is " + first + ": every port is everybody's")
	}
	const nobody = 65534
	for _, text := range []string{"tcp:127.0.0.1:1", "udp:127.0.0.1:1", "tcp:[::1]:1"} {
		failed := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its user
			if os.Geteuid() == 0 {
				if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
					failed <- errno
					return
				}
			}
			a, _ := Parse(text)
			fd, err := Open(a, Owner{-1, -1})
			if err == nil {
				Close(fd)
			}
			failed <- err
		}()
		if err := <-failed; !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

package socket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func parsed(t *testing.T, text string) Address {
	t.Helper()
	a, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestParse(t *testing.T) {
	for _, tc := range [][2]string{
		{"tcp:127.0.0.1:8080", ""},
		{"udp:[::1]:53", ""},
		{"tcp::80", ""},
		{"tcp:0.0.0.0:80", ""},
		{"tcp:[::]:80", "tcp::80"},
		{"tcp:[::ffff:10.0.0.1]:80", "tcp:10.0.0.1:80"},
		{"unix:/run/x.sock", ""},
		{"unix:/" + strings.Repeat("x", pathBytesMax-1), ""},
	} {
		want := tc[1]
		if want == "" {
			want = tc[0]
		}
		if got := parsed(t, tc[0]).String(); got != want {
			t.Errorf("%s: %s, want %s", tc[0], got, want)
		}
	}
	for _, bad := range []string{"", "tcp", "tcp:", "tcp:80", "tcp::0", "tcp::65536", "tcp:::1:80", "tcp:[127.0.0.1]:80", "tcp:[::1:80",
		"tcp:[fe80::1%lo]:80", "unix:", "unix:x", "unix:/a/../b", "unix:/a\nb", "unix:/" + strings.Repeat("x", pathBytesMax)} {
		if a, err := Parse(bad); err == nil {
			t.Errorf("%q is %v", bad, a)
		}
	}
}

func TestConflicts(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"tcp::80", "tcp:127.0.0.1:80", true},
		{"tcp::80", "tcp:[::1]:80", true},
		{"tcp:0.0.0.0:80", "tcp:127.0.0.1:80", true},
		{"tcp:0.0.0.0:80", "tcp:[::1]:80", false},
		{"tcp:127.0.0.1:80", "tcp:127.0.0.2:80", false},
		{"tcp::80", "udp::80", false},
		{"tcp::80", "tcp::81", false},
		{"unix:/a", "unix:/a", true},
		{"unix:/a", "unix:/b", false},
	} {
		a, b := parsed(t, tc.a), parsed(t, tc.b)
		if a.Conflicts(b) != tc.want || b.Conflicts(a) != tc.want {
			t.Errorf("%s and %s: want %v", a, b, tc.want)
		}
	}
}

// What is open is known again by its address, and by no other.
func TestOpenIsKnownAgain(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	all := []Address{parsed(t, "tcp:127.0.0.1:"+port), parsed(t, "tcp:0.0.0.0:"+port), parsed(t, "tcp::"+port),
		parsed(t, "udp:127.0.0.1:"+port), parsed(t, "unix:"+filepath.Join(t.TempDir(), "x"))}
	for _, a := range all {
		fd, err := Open(a, Owner{-1, -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range all {
			if got := Is(fd, b); got != (a == b) {
				t.Errorf("the socket of %s is %s: %v", a, b, got)
			}
		}
		Close(fd)
		if a.Network == Unix {
			if _, err := os.Lstat(a.Path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its file after Close: %v", err)
			}
		}
	}
}

func TestUnixSocketInTheWay(t *testing.T) {
	a := parsed(t, "unix:"+filepath.Join(t.TempDir(), "x"))
	first, err := Open(a, Owner{-1, -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(a, Owner{-1, -1}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("somebody listens there: %v", err)
	}
	unix.Close(first) // as by a death: the file stays
	second, err := Open(a, Owner{-1, -1})
	if err != nil {
		t.Fatalf("nobody listens there: %v", err)
	}
	Close(second)
	if err := os.Symlink("/etc/hostname", a.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(a, Owner{-1, -1}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("another file is there: %v", err)
	}
}

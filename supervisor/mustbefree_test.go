package supervisor

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestStillTakenKnocksAtEveryAddress(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "tcp:" + free.Addr().String()
	free.Close()

	taken := stillTaken(t.Context(), "db", []string{"tcp:" + tcp.Addr().String(), gone, "unix:" + path, "unix:" + path + ".none"})
	if len(taken) != 2 || !strings.Contains(taken[0], tcp.Addr().String()) || !strings.Contains(taken[1], path) {
		t.Errorf("taken = %q, want the two that listen", taken)
	}
	if taken := stillTaken(t.Context(), "db", nil); taken != nil {
		t.Errorf("nothing has to be free: %q", taken)
	}
}

package hands

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/internal/proc"
)

func TestOutputToFileAppends(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		must(t, os.WriteFile(r.file("log"), []byte("before\n"), 0o600))
		for i := range 2 {
			s := r.spec(fmt.Sprintf("echo out%d; echo err%d >&2", i, i))
			s.Output = Output{Mode: "file", File: r.file("log")}
			ended(t, r.start(t, s))
		}
		b, err := os.ReadFile(r.file("log"))
		if err != nil || string(b) != "before\nout0\nerr0\nout1\nerr1\n" {
			t.Errorf("%q %v", b, err)
		}
	})
}

func TestNewLogBelongsToTheUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	r := newRig(t, true)
	s := r.spec("echo again > /dev/stdout; echo done")
	s.User = &proc.User{Name: "x", UID: 4321, GID: 5432}
	s.Output = Output{Mode: "file", File: r.file("log")}
	ended(t, r.start(t, s))
	st, err := os.Stat(r.file("log"))
	must(t, err)
	if b, _ := os.ReadFile(r.file("log")); st.Mode().Perm() != logMode || !strings.HasSuffix(string(b), "done\n") {
		t.Errorf("mode %v, content %q", st.Mode(), b)
	}
}

// A stand-in for journald that keeps to its stream protocol: a header of seven lines,
// then the output.
func TestOutputToJournal(t *testing.T) {
	r := newRig(t, true)
	r.Journal = r.file("journal")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: r.Journal, Net: "unix"})
	must(t, err)
	defer l.Close()
	must(t, l.SetDeadline(time.Now().Add(patience)))
	for _, c := range []struct{ ident, want string }{{"", "db"}, {"own\nname", "own name"}} {
		s := r.spec("echo out; echo err >&2")
		s.Output = Output{Mode: "journal", Ident: c.ident}
		p := r.start(t, s)
		conn, err := l.Accept()
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		b, err := io.ReadAll(bufio.NewReader(conn))
		must(t, err)
		if got := strings.Split(string(b), "\n"); !slices.Equal(got, []string{c.want, "", "6", "1", "0", "0", "0", "out", "err", ""}) {
			t.Errorf("%q", got)
		}
		ended(t, p)
		conn.Close()
	}
}

func TestCleanEnv(t *testing.T) {
	for _, v := range []string{"NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC", "SECRET", "INVOCATION_ID"} {
		t.Setenv(v, "supd's own")
	}
	t.Setenv("PATH", "/p")
	t.Setenv("LANG", "C")
	got := CleanEnv(&proc.User{Name: "www", Home: "/srv"}, map[string]string{"MODE": "production", "HOME": "/h"})
	if !slices.Equal(got, []string{"HOME=/h", "LANG=C", "LOGNAME=www", "MODE=production", "PATH=/p", "USER=www"}) {
		t.Errorf("%q", got)
	}
	t.Setenv("PATH", "")
	if got := CleanEnv(nil, nil); !slices.Contains(got, "PATH="+defaultPath) {
		t.Errorf("%q", got)
	}
}

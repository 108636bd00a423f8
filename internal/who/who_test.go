package who

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

// connectEnv makes the test binary a peer: it connects to the socket, says its
// pid, and ends when it is told something.
const (
	connectEnv = "SUPD_WHO_TEST_SOCKET"
	loginEnv   = "SUPD_WHO_TEST_LOGINUID"
)

// The kernel lets a process set its login uid from its main thread only: init
// runs there, and what is locked to a thread stays.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	socket := os.Getenv(connectEnv)
	if socket == "" {
		os.Exit(m.Run())
	}
	if login := os.Getenv(loginEnv); login != "" {
		if err := os.WriteFile("/proc/self/loginuid", []byte(login), 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(os.Getpid())
	_, _ = c.Read(make([]byte, 1))
}

// peer starts a process that connects.
func peer(t *testing.T, socket, login string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), connectEnv+"="+socket, loginEnv+"="+login)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := fmt.Fscan(out, new(int)); err != nil { // it has connected
		t.Fatal(err)
	}
	return cmd
}

func listen(t *testing.T) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func accept(t *testing.T, l *net.UnixListener) *net.UnixConn {
	t.Helper()
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestPeer(t *testing.T) {
	l := listen(t)
	cmd := peer(t, l.Addr().String(), "")
	p, err := OfConn(accept(t, l))
	if err != nil || p.Unverified != nil {
		t.Fatal(err, p.Unverified)
	}
	want, err := Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	want.Name = "" // looked up later
	if p.Owner != want || p.UID != uint32(os.Geteuid()) || p.GID != uint32(os.Getegid()) || p.Owner.StartTime == 0 {
		t.Errorf("got %+v, want %+v", p, want)
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != len(p.Groups) {
		t.Errorf("groups %v, want %v", p.Groups, groups)
	}
}

// sudo changes the uid; the login uid stays.
func TestPeerWithALogin(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: sets a login uid")
	}
	l := listen(t)
	peer(t, l.Addr().String(), "4711")
	p, err := OfConn(accept(t, l))
	if err != nil || p.Unverified != nil {
		t.Fatal(err, p.Unverified)
	}
	if p.Owner.LoginUID != 4711 || p.Owner.UID != 0 || p.Owner.Session == "" || p.Owner.Person() != 4711 {
		t.Errorf("owner %+v", p.Owner)
	}
	live, err := LiveSessions()
	if err != nil || !live[p.Owner.Session] || live["0"] {
		t.Errorf("session %q is not among the live ones: %v, %v", p.Owner.Session, live, err)
	}
	// Two logins of the same person are two owners.
	peer(t, l.Addr().String(), "4711")
	q, err := OfConn(accept(t, l))
	if err != nil {
		t.Fatal(err)
	}
	if p.Owner.Same(q.Owner) || !p.Owner.SameLogin(q.Owner) {
		t.Errorf("%+v and %+v", p.Owner, q.Owner)
	}
}

// A peer that is gone by the time it is looked at is known by its credentials
// only: its pid may be another's by now.
func TestPeerThatIsGone(t *testing.T) {
	l := listen(t)
	cmd := peer(t, l.Addr().String(), "")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // reaped: from here on the pid is free
	p, err := OfConn(accept(t, l))
	if err != nil {
		t.Fatal(err)
	}
	if p.Unverified == nil || p.UID != uint32(os.Geteuid()) || p.Owner.LoginUID != lockfile.NoLogin || p.Owner.Session != "" || p.Groups != nil {
		t.Errorf("got %+v", p)
	}
}

// A zombie still has its pid, so what /proc says is about the peer.
func TestPeerThatIsAZombie(t *testing.T) {
	l := listen(t)
	cmd := peer(t, l.Addr().String(), "")
	c := accept(t, l)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := OfConn(c); err != nil || p.Unverified != nil || p.Owner.PID != cmd.Process.Pid {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestSelf(t *testing.T) {
	o, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if o.PID != os.Getpid() || o.UID != int64(os.Geteuid()) || o.Name == "" || o.StartTime == 0 {
		t.Errorf("got %+v", o)
	}
	if _, err := Of(1 << 30); err == nil || !strings.Contains(err.Error(), "cannot tell who process 1073741824 belongs to") {
		t.Errorf("a process that is not: %v", err)
	}
}

func TestName(t *testing.T) {
	for uid, want := range map[int64]string{0: "root", 3999999999: "uid 3999999999"} {
		if got := Name(uid); got != want {
			t.Errorf("%d: %q, want %q", uid, got, want)
		}
	}
}

func TestTTYName(t *testing.T) {
	device := func(major, minor uint32) uint32 { return minor&0xff | major<<8 | minor>>8<<20 }
	for _, c := range []struct {
		nr   uint32
		want string
	}{
		{0, ""},
		{device(136, 0), "pts/0"},
		{device(136, 3), "pts/3"},
		{device(136, 255), "pts/255"},
		{device(137, 0), "pts/256"},
		{device(143, 255), "pts/2047"},
		{device(136, 300), "pts/300"},
		{device(4, 1), "tty1"},
		{device(4, 64), "ttyS0"},
		{device(229, 0), "tty 229:0"},
	} {
		if got := ttyName(c.nr); got != c.want {
			t.Errorf("%#x: %q, want %q", c.nr, got, c.want)
		}
	}
}

// proc writes a /proc/PID of one's own.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func statLine(comm string, tty int32, start uint64) string {
	return fmt.Sprintf("12 (%s) S 1 12 12 %d -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 1000 10 18446744073709551615 0 0\n", comm, tty, start)
}

func TestReadProcess(t *testing.T) {
	good := func() map[string]string {
		return map[string]string{
			"status":    "Name:\tsh\nUid:\t1000\t0\t0\t0\nGid:\t1000\t50\t50\t50\nGroups:\t4 24 27 \n",
			"stat":      statLine("sh", 34819, 777),
			"loginuid":  "1000",
			"sessionid": "3",
		}
	}
	for _, c := range []struct {
		name   string
		change func(m map[string]string)
		want   process
		err    string
	}{
		{"as it is", func(map[string]string) {}, process{0, 50, []uint32{4, 24, 27}, 1000, "3", 34819, 777}, ""},
		{"no login", func(m map[string]string) { m["loginuid"], m["sessionid"] = "4294967295", "4294967295" },
			process{0, 50, []uint32{4, 24, 27}, lockfile.NoLogin, "", 34819, 777}, ""},
		{"no groups", func(m map[string]string) { m["status"] = "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t\n" },
			process{2, 6, nil, 1000, "3", 34819, 777}, ""},
		{"a name made to deceive", func(m map[string]string) { m["stat"] = statLine("x) S 1 1 1 0 (y", 34819, 777) },
			process{0, 50, []uint32{4, 24, 27}, 1000, "3", 34819, 777}, ""},
		{"terminal with the highest bit", func(m map[string]string) { m["stat"] = statLine("sh", -2147448829, 777) },
			process{0, 50, []uint32{4, 24, 27}, 1000, "3", 0x80008803, 777}, ""},
		{"no status", func(m map[string]string) { delete(m, "status") }, process{}, "no such file"},
		{"empty status", func(m map[string]string) { m["status"] = "" }, process{}, "no Uid and Gid"},
		{"odd uid", func(m map[string]string) { m["status"] = "Uid:\ta\tb\tc\td\n" }, process{}, "cannot read ids"},
		{"odd groups", func(m map[string]string) { m["status"] += "Groups:\tx\n" }, process{}, "cannot read groups"},
		{"short stat", func(m map[string]string) { m["stat"] = "12 (sh) S 1\n" }, process{}, "cannot read stat"},
		{"no parenthesis", func(m map[string]string) { m["stat"] = "12 sh" }, process{}, "cannot read stat"},
		{"login hidden", func(m map[string]string) { delete(m, "loginuid") }, process{}, "no such file"},
		{"odd login", func(m map[string]string) { m["loginuid"] = "me" }, process{}, "is no id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := good()
			c.change(files)
			got, err := readProcess(proc(t, files))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(statLine("sh", 1, 2), "Uid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4\n")
	f.Fuzz(func(t *testing.T, stat, status string) {
		var p process
		_ = p.parseStat([]byte(stat))
		_ = p.parseStatus(status)
	})
}

func BenchmarkOfConn(b *testing.B) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.TempDir(), "s"+strconv.Itoa(b.N)), Net: "unix"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	s, err := l.AcceptUnix()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if p, err := OfConn(s); err != nil || p.Unverified != nil {
			b.Fatal(err, p.Unverified)
		}
	}
}

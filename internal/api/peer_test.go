package api

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// clientEnv makes the test binary a client: it asks the socket for its version
// and prints the answer.
const (
	clientEnv = "SUPD_API_TEST_SOCKET"
	loginEnv  = "SUPD_API_TEST_LOGINUID"
)

// The kernel lets a process set its login uid from its main thread only: init
// runs there, and what is locked to a thread stays.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	switch os.Getenv(heirEnv) {
	case "":
	case heirIs:
		keepSocket()
		return
	default:
		bequeath(os.Getenv(heirEnv))
		return
	}
	socket := os.Getenv(clientEnv)
	if socket == "" {
		os.Exit(m.Run())
	}
	if login := os.Getenv(loginEnv); login != "" {
		if err := os.WriteFile("/proc/self/loginuid", []byte(login), 0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	v, err := NewClient(socket).Version(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(CodeOf(err))
	}
	_ = json.NewEncoder(os.Stdout).Encode(v.You)
}

// askAs asks from a process of its own.
func askAs(t *testing.T, socket string, uid, gid uint32, groups []uint32, login string) You {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: starts a client as another user")
	}
	for dir := filepath.Dir(socket); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The binary's own directory is closed to others.
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = append(os.Environ(), clientEnv+"="+socket, loginEnv+"="+login)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("client: %v: %s", err, out)
	}
	var you You
	if err := json.Unmarshal(out, &you); err != nil {
		t.Fatalf("client: %v: %s", err, out)
	}
	return you
}

func TestPeerIsWhoTheKernelSays(t *testing.T) {
	roles := Roles{Admins: []Grant{{Group: true, ID: 4242}}, Operators: []Grant{{ID: 4711}}}
	c, _ := served(t, &fake{}, func(s *Server) { s.o.Roles = func() Roles { return roles } })
	for _, x := range []struct {
		name     string
		uid, gid uint32
		groups   []uint32
		login    string
		want     You
	}{
		{"root", 0, 0, nil, "", You{Name: "root", Role: "admin"}},
		{"nobody", 65534, 65534, nil, "", You{Name: "nobody", UID: 65534, Role: "viewer"}},
		{"operator by uid", 4711, 1, nil, "", You{Name: "uid 4711", UID: 4711, Role: "operator"}},
		{"admin by primary group", 4712, 4242, nil, "", You{Name: "uid 4712", UID: 4712, Role: "admin"}},
		{"admin by supplementary group", 4712, 1, []uint32{7, 4242}, "", You{Name: "uid 4712", UID: 4712, Role: "admin"}},
		{"sudo does not hide who it is", 0, 0, nil, "4713", You{Name: "uid 4713", Role: "admin"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := askAs(t, c.Socket(), x.uid, x.gid, x.groups, x.login)
			if x.login != "" {
				if got.LoginUID == nil || strconv.Itoa(int(*got.LoginUID)) != x.login || got.Session == "" {
					t.Errorf("login %v, session %q", got.LoginUID, got.Session)
				}
				got.LoginUID, got.Session = nil, ""
			}
			if login, err := os.ReadFile("/proc/self/loginuid"); x.login == "" && (err != nil || string(login) != "4294967295") {
				x.want.LoginUID, x.want.Session = got.LoginUID, got.Session // the test itself belongs to a login
			}
			if got != x.want {
				t.Errorf("got %+v, want %+v", got, x.want)
			}
		})
	}
}

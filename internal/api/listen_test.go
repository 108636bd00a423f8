package api

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// heirEnv makes the test binary a daemon that dies while a child of it still has its socket: its path, or heirIs for the child.
const heirEnv, heirIs = "SUPD_API_TEST_HEIR", "child"

// bequeath listens, starts the child and ends.
func bequeath(path string) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err == nil {
		l.SetUnlinkOnClose(false)
		var f *os.File
		if f, err = l.File(); err == nil {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env, cmd.ExtraFiles = append(os.Environ(), heirEnv+"="+heirIs), []*os.File{f}
			err = cmd.Start()
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// keepSocket has the socket until somebody looks whether it is in use.
func keepSocket() {
	l, err := net.FileListener(os.NewFile(3, "socket"))
	if err == nil {
		_, err = l.Accept()
	}
	if err != nil {
		fmt.Println(err)
	}
}

// A supd that is started right after another was killed while it forked: the child, which is not yet the service, still
// had the socket, and the new supd said that another process listens there, and ended.
func TestListenAfterAKilledDaemonsChild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), heirEnv+"="+path)
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

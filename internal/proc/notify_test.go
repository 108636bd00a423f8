package proc

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	must(t, os.WriteFile(path, nil, 0o600)) // left behind
	got := make(chan Notification, 10)
	accept := true
	s, err := ListenNotify(path, func(pid int) bool { return accept && pid == os.Getpid() }, func(n Notification) { got <- n })
	must(t, err)
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer conn.Close()
	send := func(text string) {
		_, err := conn.Write([]byte(text))
		must(t, err)
	}
	send("READY=1\nSTATUS=serving a=b\nMAINPID=12\ngarbage\nX_OWN=1")
	n := <-got
	if !n.Ready || n.Status != "serving a=b" || n.MainPID != 12 || n.Fields["X_OWN"] != "1" || n.PID != os.Getpid() || n.UID != uint32(os.Getuid()) || n.Stopping || n.Watchdog {
		t.Errorf("%+v", n)
	}
	send("STOPPING=1\nRELOADING=1\nWATCHDOG=1\nERRNO=2\nREADY=0")
	n = <-got
	if !n.Stopping || !n.Reloading || !n.Watchdog || n.Errno != 2 || n.Ready {
		t.Errorf("%+v", n)
	}
	// Too long to be whole: dropped, and the next one is heard.
	send("STATUS=" + string(make([]byte, notifyBytesMax)))
	// A descriptor that comes along is closed once the message has been seen: that is
	// what BARRIER=1 waits for.
	r, w, err := os.Pipe()
	must(t, err)
	raw, err := conn.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		must(t, unix.Sendmsg(int(fd), []byte("BARRIER=1"), unix.UnixRights(int(w.Fd())), nil, 0))
	}))
	w.Close()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("barrier: %d %v", n, err)
	}
	if n := <-got; !reflect.DeepEqual(n.Fields, map[string]string{"BARRIER": "1"}) {
		t.Errorf("%+v", n)
	}
	must(t, s.Close())
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestNotifyFromAStranger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	asked := make(chan int, 1)
	s, err := ListenNotify(path, func(pid int) bool { asked <- pid; return false }, func(n Notification) { t.Errorf("a stranger was heard: %+v", n) })
	must(t, err)
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("READY=1"))
	must(t, err)
	if pid := <-asked; pid != os.Getpid() {
		t.Errorf("sender %d", pid)
	}
	must(t, s.Close())
}

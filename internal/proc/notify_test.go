package proc

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ear is a socket whose messages come through a channel.
type ear struct {
	*NotifySocket
	got    chan Notification
	floods atomic.Int32
}

func newEar(t *testing.T, h *Notifier, name string) *ear {
	t.Helper()
	e := &ear{got: make(chan Notification, 2*messagesPerWindow)}
	s, err := h.Listen(filepath.Join(t.TempDir(), name), func(n Notification) { e.got <- n }, func() { e.floods.Add(1) })
	must(t, err)
	t.Cleanup(func() { s.Close() })
	e.NotifySocket = s
	return e
}

func newNotifier(t *testing.T) *Notifier {
	t.Helper()
	h, err := NewNotifier()
	must(t, err)
	t.Cleanup(func() { h.Close() })
	return h
}

func dialNotify(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestNotify(t *testing.T) {
	h := newNotifier(t)
	path := filepath.Join(t.TempDir(), "notify")
	must(t, os.WriteFile(path, nil, 0o600)) // left behind
	got := make(chan Notification, 10)
	s, err := h.Listen(path, func(n Notification) { got <- n }, func() { t.Error("flood") })
	must(t, err)
	conn := dialNotify(t, path)
	send := func(text string) {
		_, err := conn.Write([]byte(text))
		must(t, err)
	}
	send("READY=1\nSTATUS=serving a=b\nMAINPID=12\ngarbage\nX_OWN=1")
	select {
	case n := <-got:
		t.Fatalf("told before it was begun: %+v", n)
	default:
	}
	must(t, s.Begin())
	want := Notification{PID: os.Getpid(), UID: uint32(os.Getuid()), Ready: true, HasStatus: true, Status: "serving a=b", MainPID: 12}
	if n := <-got; n != want {
		t.Errorf("got  %+v\nwant %+v", n, want)
	}
	send("STOPPING=1\nRELOADING=1\nMONOTONIC_USEC=5\nWATCHDOG=trigger\nWATCHDOG_USEC=3000000\nEXTEND_TIMEOUT_USEC=7\nERRNO=2\nREADY=0\nFDSTORE=1\nSTATUS=")
	want = Notification{PID: os.Getpid(), UID: uint32(os.Getuid()), Stopping: true, Reloading: true, Monotonic: 5 * time.Microsecond, OutOfOrder: true,
		HasWatchdog: true, Watchdog: 3 * time.Second, Extend: 7 * time.Microsecond, Errno: 2, Stores: true, HasStatus: true}
	if n := <-got; n != want {
		t.Errorf("got  %+v\nwant %+v", n, want)
	}
	// A time that no clock has is none.
	send("WATCHDOG=1\nWATCHDOG_USEC=18446744073709551615\nEXTEND_TIMEOUT_USEC=-1")
	if n := <-got; !n.Alive || n.HasWatchdog || n.Extend != 0 {
		t.Errorf("%+v", n)
	}
	// Too long to be whole: nothing of it counts, and the next one is heard.
	send("READY=1\nSTATUS=" + strings.Repeat("x", 100_000))
	if n := <-got; n.Ready || n.Bad == "" {
		t.Errorf("%+v", n)
	}
	must(t, s.Close())
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

// A descriptor that comes along is closed once the message has been told: that is what BARRIER=1 waits for.
func TestNotifyBarrier(t *testing.T) {
	e := newEar(t, newNotifier(t), "n")
	must(t, e.Begin())
	conn := dialNotify(t, e.Path())
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
	if len(e.got) != 1 {
		t.Errorf("%d messages were told before the barrier fell", len(e.got))
	}
}

// Who floods its own socket waits, is said to once in a while, and disturbs nobody else's.
func TestNotifyFlood(t *testing.T) {
	h := newNotifier(t)
	loud, calm := newEar(t, h, "loud"), newEar(t, h, "calm")
	must(t, loud.Begin())
	must(t, calm.Begin())
	stop := make(chan struct{})
	sent := make(chan int)
	conn, other := dialNotify(t, loud.Path()), dialNotify(t, calm.Path())
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				sent <- n
				return
			default:
			}
			conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := conn.Write([]byte("WATCHDOG=1")); err != nil {
				n--
			}
		}
	}()
	for range messagesPerWindow {
		<-loud.got
	}
	for i := range 50 {
		text := fmt.Sprint("STATUS=", i)
		_, err := other.Write([]byte(text))
		must(t, err)
		if n := <-calm.got; "STATUS="+n.Status != text {
			t.Errorf("%+v", n)
		}
	}
	close(stop)
	n := <-sent
	if loud.floods.Load() == 0 || calm.floods.Load() != 0 {
		t.Errorf("floods: %d, %d", loud.floods.Load(), calm.floods.Load())
	}
	// Nothing of it is lost.
	for range n - messagesPerWindow {
		<-loud.got
	}
	calm.Drain()
}

// What was sent before is told by Drain at the latest.
func TestNotifyDrain(t *testing.T) {
	e := newEar(t, newNotifier(t), "n")
	conn := dialNotify(t, e.Path())
	for range 5 {
		_, err := conn.Write([]byte("STATUS=x"))
		must(t, err)
	}
	e.Drain()
	if len(e.got) != 5 {
		t.Errorf("%d were told", len(e.got))
	}
}

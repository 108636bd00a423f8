package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// notifyBytesMax bounds one datagram; what is longer is dropped, as systemd does.
const notifyBytesMax = 4096

// Notification is one sd_notify datagram.
type Notification struct {
	PID       int // sender, from the kernel
	UID       uint32
	Ready     bool
	Stopping  bool
	Reloading bool
	Watchdog  bool
	Status    string
	MainPID   int
	Errno     int
	Fields    map[string]string // everything, as sent; of a repeated key the last
}

// NotifySocket receives the notifications of one service.
type NotifySocket struct {
	conn *net.UnixConn
	path string
	done chan struct{}
}

// ListenNotify binds path and calls f, on the socket's goroutine, for each datagram
// whose sender passes member. Anybody may send, because a service may run as anybody;
// the kernel names the sender and member decides whether he counts. One left behind by
// a dead supd is replaced: the process that was told this path goes on using it.
func ListenNotify(path string, member func(pid int) bool, f func(Notification)) (*NotifySocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot listen for notifications: %w", err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen for notifications: %w", err)
	}
	if err := setUp(conn, path); err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot listen for notifications on %q: %w", path, err)
	}
	s := &NotifySocket{conn: conn, path: path, done: make(chan struct{})}
	go s.serve(member, f)
	return s, nil
}

func setUp(conn *net.UnixConn, path string) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) }); err != nil {
		return err
	}
	if inner != nil {
		return inner
	}
	return os.Chmod(path, 0o666)
}

func (s *NotifySocket) serve(member func(int) bool, f func(Notification)) {
	defer close(s.done)
	buf := make([]byte, notifyBytesMax)
	oob := make([]byte, 1024)
	for {
		n, oobn, flags, _, err := s.conn.ReadMsgUnix(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // one bad datagram is not the socket's end
		}
		cred, fds := senderOf(oob[:oobn])
		if cred != nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) == 0 && member(int(cred.Pid)) {
			f(parseNotification(buf[:n], int(cred.Pid), cred.Uid))
		}
		// Closed last: a sender with BARRIER=1 waits for that, and may be gone right
		// afterwards.
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}

// senderOf finds the sender's credentials, and descriptors that came along (BARRIER,
// FDSTORE).
func senderOf(oob []byte) (cred *syscall.Ucred, fds []int) {
	msgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, nil
	}
	for _, m := range msgs {
		if sent, err := syscall.ParseUnixRights(&m); err == nil {
			fds = append(fds, sent...)
		} else if c, err := syscall.ParseUnixCredentials(&m); err == nil {
			cred = c
		}
	}
	return cred, fds
}

func parseNotification(b []byte, pid int, uid uint32) Notification {
	n := Notification{PID: pid, UID: uid, Fields: map[string]string{}}
	for line := range strings.SplitSeq(string(b), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		n.Fields[key] = value
		switch key {
		case "READY":
			n.Ready = value == "1"
		case "STOPPING":
			n.Stopping = value == "1"
		case "RELOADING":
			n.Reloading = value == "1"
		case "WATCHDOG":
			n.Watchdog = value == "1"
		case "STATUS":
			n.Status = value
		case "MAINPID":
			n.MainPID, _ = strconv.Atoi(value)
		case "ERRNO":
			n.Errno, _ = strconv.Atoi(value)
		}
	}
	return n
}

// Path is what the service gets as NOTIFY_SOCKET.
func (s *NotifySocket) Path() string { return s.path }

// Close stops listening and removes the socket. f is not called any more when it
// returns, so it must not be called from f.
func (s *NotifySocket) Close() error {
	err := s.conn.Close()
	<-s.done
	if rm := os.Remove(s.path); err == nil && !errors.Is(rm, fs.ErrNotExist) {
		err = rm
	}
	if err != nil {
		return fmt.Errorf("cannot close %q: %w", s.path, err)
	}
	return nil
}

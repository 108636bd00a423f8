package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	messagesAtOnce    = 64   // of one socket, before the others have their turn
	messagesPerWindow = 1000 // of one socket in a window; then it waits, and so do its senders
	floodWindow       = time.Second
	closingMax        = 16   // descriptors that came along and take their time to be closed
	controlBytes      = 1152 // credentials and SCM_MAX_FD (253) descriptors, unix(7)
)

// NotifySocket receives the notifications of one service.
type NotifySocket struct {
	hub     *Notifier
	path    string
	serial  uint64
	told    func(Notification)
	flooded func()
	closing atomic.Int32

	mu     sync.Mutex // one reader at a time, so that messages are told in their order
	fd     int        // -1: closed
	begun  bool
	paused bool
	since  time.Time // the window
	count  int       // messages in it
}

// Listen binds path. Anybody may send, because a service may run as anybody: the kernel
// names the sender, and told has to judge him. A socket that a dead supd left behind is
// replaced: the process that was told this path goes on using it.
//
// Until Begin messages wait. told is called for one message after the other, with no
// lock that its caller could want, and must not block. flooded is called when a sender
// is made to wait because of too many of them.
func (h *Notifier) Listen(path string, told func(Notification), flooded func()) (*NotifySocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot listen for notifications: %w", err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for notifications: %w", err)
	}
	// Credentials first: a message that comes before would have none.
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err == nil {
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
			err = os.Chmod(path, 0o666)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot listen for notifications on %q: %w", path, err)
	}
	s := &NotifySocket{hub: h, path: path, told: told, flooded: flooded, fd: fd}
	h.insert(s)
	return s, nil
}

// Path is what the service gets as NOTIFY_SOCKET.
func (s *NotifySocket) Path() string { return s.path }

// Begin has what is there, and what comes, told.
func (s *NotifySocket) Begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 || s.begun {
		return nil
	}
	if err := s.hub.arrivals.add(s.fd, s.serial, unix.EPOLLIN); err != nil {
		return fmt.Errorf("cannot listen for notifications on %q: %w", s.path, err)
	}
	s.begun = true
	return nil
}

// Drain has told what was sent before it was called, unless that is a flood.
func (s *NotifySocket) Drain() { s.read(messagesPerWindow) }

// Close stops listening and removes the socket's file. told is not called any more when
// it returns, so it must not be called from there.
func (s *NotifySocket) Close() error {
	s.hub.remove(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return nil
	}
	unix.Close(s.fd)
	s.fd = -1
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot close %q: %w", s.path, err)
	}
	return nil
}

// read takes at most n messages.
func (s *NotifySocket) read(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	buf, oob := make([]byte, notifyBytesMax), make([]byte, controlBytes)
	for ; n > 0 && s.fd >= 0 && !s.paused; n-- {
		if s.tooMany() {
			s.pause()
			return
		}
		size, oobn, flags, _, err := unix.Recvmsg(s.fd, buf, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return // empty; whatever else it may be, the next event comes here again
		}
		s.count++
		cred, fds := senderOf(oob[:oobn])
		msg := Notification{Bad: "the kernel does not name its sender"}
		if cred != nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) == 0 {
			msg = parseNotification(buf[:size], int(cred.Pid), cred.Uid)
		} else if cred != nil {
			msg = Notification{PID: int(cred.Pid), UID: cred.Uid, Bad: fmt.Sprintf("it is longer than %d bytes", notifyBytesMax)}
		}
		s.told(msg)
		s.release(fds)
	}
}

// release closes what came along, once the message was told: a sender with BARRIER=1
// waits for that, and may be gone right afterwards. Not here: closing a descriptor can
// take as long as the file system behind it likes.
func (s *NotifySocket) release(fds []int) {
	if len(fds) == 0 {
		return
	}
	s.closing.Add(1)
	go func() {
		defer s.closing.Add(-1)
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
}

// tooMany says whether the sender has to wait. s.mu must be held.
func (s *NotifySocket) tooMany() bool {
	if now := time.Now(); now.Sub(s.since) >= floodWindow {
		s.since, s.count = now, 0
	}
	return s.count >= messagesPerWindow || s.closing.Load() >= closingMax
}

// pause leaves messages where they are until the window is over: the queue is short
// (net.unix.max_dgram_qlen), so the sender waits. s.mu must be held.
func (s *NotifySocket) pause() {
	if s.begun {
		if s.hub.arrivals.change(s.fd, s.serial, 0) != nil {
			return
		}
	}
	s.paused = true
	s.flooded()
	time.AfterFunc(floodWindow, s.resume)
}

func (s *NotifySocket) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	if s.fd >= 0 && s.begun {
		// It fails only if the epoll descriptor is closed, and then nobody listens.
		_ = s.hub.arrivals.change(s.fd, s.serial, unix.EPOLLIN)
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

package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/who"
)

// socketMode lets everybody connect: every request is judged by its peer.
const socketMode = 0o666

// socketPathMax is what fits into a sockaddr_un with its final NUL.
const socketPathMax = 107

// A supd that was killed may leave a child that has its socket until its exec.
const (
	dyingWait  = 5 * time.Second
	dyingRetry = 20 * time.Millisecond
)

// errDying: who listened is dead, but its socket is still open somewhere.
var errDying = errors.New("the process that listened there has ended, but a child of it has kept the socket")

// SocketInUseError says that a living process answers, or at least listens, on
// the socket.
type SocketInUseError struct{ Path string }

func (e *SocketInUseError) Error() string {
	return fmt.Sprintf("cannot listen on %q: another process listens there", e.Path)
}

// Listen makes the socket at path, mode 0666. A socket left behind by a dead
// daemon is replaced, if need be after up to five seconds; one that a living
// daemon listens on never is: that is *SocketInUseError. The directory must exist.
func Listen(path string) (*net.UnixListener, error) {
	if len(path) > socketPathMax {
		return nil, fmt.Errorf("cannot listen on %q: a socket's path has at most %d bytes, this one %d; choose a shorter run_dir", path, socketPathMax, len(path))
	}
	err := removeStale(path)
	for end := time.Now().Add(dyingWait); errors.Is(err, errDying) && time.Now().Before(end); err = removeStale(path) {
		time.Sleep(dyingRetry)
	}
	if err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", path, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot listen on %q: %w", path, err)
	}
	return l, nil
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w", path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("cannot listen on %q: it exists and is no socket; move it away", path)
	}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err == nil {
		defer c.Close()
		if who.Dead(c) {
			return fmt.Errorf("cannot listen on %q: %w", path, errDying)
		}
		return &SocketInUseError{path}
	}
	if errors.Is(err, unix.EAGAIN) { // its queue is full: it hangs, but it lives
		return &SocketInUseError{path}
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("cannot listen on %q: cannot tell whether it is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("cannot listen on %q: cannot remove the socket that was left behind: %w", path, err)
	}
	return nil
}

// peerListener reads each peer's identity at accept and keeps the table.
type peerListener struct {
	*net.UnixListener
	table *connTable
}

// peerConn is a connection and who is at its other end.
type peerConn struct {
	*limitedConn
	peer who.Peer
}

// refusal answers a connection for which there is no room, without reading it.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":{"code":9,"message":"too many requests of yours are being answered","next":"end some of them, then try again"}}` + "\n"

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := who.OfConn(c)
		if err != nil { // nobody to answer
			c.Close()
			continue
		}
		lc := l.table.add(c, strconv.FormatUint(uint64(peer.UID), 10))
		if lc == nil {
			_, _ = c.Write([]byte(refusal)) // fits into the empty socket buffer
			c.Close()
			continue
		}
		return &peerConn{lc, peer}, nil
	}
}

package who

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

// Peer is the process at the other end of a unix socket.
type Peer struct {
	Owner    lockfile.Owner // Name is not filled in (see Name); LoginUID is NoLogin when unverified
	UID, GID uint32         // effective, when it connected: always true
	Groups   []uint32       // supplementary; none when unverified
	// Unverified says why the login could not be told, nil if it could. Such a
	// peer is known by UID and GID only and must not change anything: the
	// login uid is what keeps sudo from hiding a person.
	Unverified error
}

// OfConn tells who connected. It should be called right after Accept, while
// the peer is most likely still there. An error means that not even the
// credentials could be read.
func OfConn(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("cannot read peer credentials: %w", err)
	}
	var cred *unix.Ucred
	var credErr, fdErr error
	pidfd := -1
	if err := raw.Control(func(fd uintptr) {
		if cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); credErr == nil {
			pidfd, fdErr = peerPidfd(int(fd), int(cred.Pid))
		}
	}); err != nil {
		return Peer{}, fmt.Errorf("cannot read peer credentials: %w", err)
	}
	if credErr != nil {
		return Peer{}, fmt.Errorf("cannot read peer credentials: %w", os.NewSyscallError("getsockopt", credErr))
	}
	p := Peer{UID: cred.Uid, GID: cred.Gid, Owner: lockfile.Owner{UID: int64(cred.Uid), LoginUID: lockfile.NoLogin, PID: int(cred.Pid)}}
	if fdErr != nil {
		p.Unverified = fmt.Errorf("process %d is gone or not visible from here: %w", cred.Pid, fdErr)
		return p, nil
	}
	defer unix.Close(pidfd)
	p.Unverified = p.fill(pidfd, int(cred.Pid))
	return p, nil
}

// fill reads the process's login and groups. What was read counts only if the
// pidfd's process had not been reaped by then: until that its pid is not given
// to another.
func (p *Peer) fill(pidfd, pid int) error {
	proc, err := readProcess("/proc/" + strconv.Itoa(pid))
	if err != nil {
		return fmt.Errorf("cannot tell who process %d belongs to: %w", pid, err)
	}
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("process %d has ended", pid)
	}
	p.Owner = proc.owner(pid)
	// What it was when it connected counts, not what it has become since.
	p.Owner.UID = int64(p.UID)
	p.Groups = proc.groups
	return nil
}

// Dead says whether the process that a client's connection leads to, the one that called listen(2), has ended: a child may
// still have its socket. In doubt it lives.
func Dead(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	dead := false
	_ = raw.Control(func(fd uintptr) { // without it nothing is known
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil || cred.Pid <= 0 { // of another pid name space
			return
		}
		pidfd, err := peerPidfd(int(fd), int(cred.Pid))
		if err != nil { // EINVAL: the same before kernel 6.9
			dead = errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL)
			return
		}
		defer unix.Close(pidfd)
		at := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}} // readable when it has ended, pidfd_open(2)
		n, err := unix.Poll(at, 0)
		dead = err == nil && n == 1
	})
	return dead
}

// peerPidfd is a handle to the very process that connected. Before kernel 6.5,
// which has no SO_PEERPIDFD, it is one to the process that has the pid now: a
// pid recycled between connect and accept could deceive it.
func peerPidfd(sock, pid int) (int, error) {
	fd, err := unix.GetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if errors.Is(err, unix.ENOPROTOOPT) {
		if pid <= 0 { // of another pid name space
			return -1, unix.ESRCH
		}
		return unix.PidfdOpen(pid, 0)
	}
	if err != nil {
		return -1, os.NewSyscallError("getsockopt", err)
	}
	if pid <= 0 {
		unix.Close(fd)
		return -1, unix.ESRCH
	}
	return fd, nil
}

package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// unixMode lets the service's user and group connect.
const unixMode = 0o660

// backlogMax is cut down by the kernel to net.core.somaxconn (listen(2)).
const backlogMax = 65535

// Owner is who a unix socket's file belongs to; -1: as supd.
type Owner struct{ UID, GID int }

// Open binds a and listens on it. The descriptor is closed by an exec and blocks, as
// systemd hands them on. Errors name the address and, where /proc tells, who has it.
func Open(a Address, o Owner) (fd int, err error) {
	domain, kind, sa := a.sockaddr()
	fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && domain == unix.AF_INET6 && !a.IP.IsValid() {
		domain, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port)} // a kernel without IPv6
		fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return -1, fmt.Errorf("cannot listen on %s: %w", a, err)
	}
	if err = a.bind(fd, domain, sa, o); err != nil {
		unix.Close(fd)
		return -1, a.explain(err)
	}
	return fd, nil
}

func (a Address) bind(fd, domain int, sa unix.Sockaddr, o Owner) error {
	if domain == unix.AF_INET6 {
		only := 1
		if !a.IP.IsValid() {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
	}
	switch a.Network {
	case Unix:
		if err := replaceStale(a.Path, o); err != nil {
			return err
		}
		// The file is made with this mode: nobody connects before its owner is set.
		if err := unix.Fchmod(fd, 0o600); err != nil {
			return err
		}
	case TCP: // udp would share the port
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return err
	}
	if a.Network == UDP {
		return nil
	}
	if err := unix.Listen(fd, backlogMax); err != nil {
		return err
	}
	if a.Network == Unix {
		return giveFile(a.Path, o)
	}
	return nil
}

func (a Address) sockaddr() (domain, kind int, sa unix.Sockaddr) {
	kind = unix.SOCK_STREAM
	if a.Network == UDP {
		kind = unix.SOCK_DGRAM
	}
	switch {
	case a.Network == Unix:
		return unix.AF_UNIX, kind, &unix.SockaddrUnix{Name: a.Path}
	case a.IP.Is4():
		return unix.AF_INET, kind, &unix.SockaddrInet4{Port: int(a.Port), Addr: a.IP.As4()}
	case a.IP.IsValid():
		return unix.AF_INET6, kind, &unix.SockaddrInet6{Port: int(a.Port), Addr: a.IP.As16()}
	}
	return unix.AF_INET6, kind, &unix.SockaddrInet6{Port: int(a.Port)}
}

// giveFile sets owner and mode of the socket's file. Through a descriptor of that file:
// whoever may write to its directory could put a symbolic link in its place.
func giveFile(path string, o Owner) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(st.Uid) != os.Geteuid() {
		return errors.New("somebody put another file in its place")
	}
	if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), unixMode); err != nil {
		return err
	}
	return unix.Fchownat(fd, "", o.UID, o.GID, unix.AT_EMPTY_PATH)
}

// inTheWayError: at the path of a unix socket is something that is not to be removed.
type inTheWayError struct{ what string }

func (e *inTheWayError) Error() string { return e.what }

// replaceStale removes the file of a socket that nobody listens on any more, if it is
// supd's or the service's own.
func replaceStale(path string, o Owner) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); errors.Is(err, unix.ENOENT) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return &inTheWayError{fmt.Sprintf("its directory %s: %v", filepath.Dir(path), errors.Unwrap(err))}
		}
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return &inTheWayError{"there is another file, which is no socket"}
	case int(st.Uid) != os.Geteuid() && int(st.Uid) != o.UID:
		return &inTheWayError{fmt.Sprintf("there is a socket of another user (uid %d); remove it if nobody needs it", st.Uid)}
	}
	probe, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(probe)
	// EAGAIN: its backlog is full (unix(7)); EPROTOTYPE: of another type. Only a refusal says that nobody listens.
	if err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); !errors.Is(err, unix.ECONNREFUSED) {
		return unix.EADDRINUSE
	}
	return unix.Unlink(path)
}

// Is says whether fd is a socket as Open would have opened for a.
func Is(fd int, a Address) bool {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if _, want, _ := a.sockaddr(); err != nil || kind != want {
		return false
	}
	if a.Network == UDP {
		if _, err := unix.Getpeername(fd); err == nil {
			return false // a conversation, not the place where they begin
		}
	} else if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on == 0 {
		return false
	}
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		var st unix.Stat_t // somebody may have removed the file: then nobody can connect any more
		return a.Network == Unix && sa.Name == a.Path && unix.Lstat(a.Path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
	case *unix.SockaddrInet4:
		ip := netip.AddrFrom4(sa.Addr)
		return a.Network != Unix && sa.Port == int(a.Port) && (ip == a.IP || !a.IP.IsValid() && ip.IsUnspecified() && !hasIPv6())
	case *unix.SockaddrInet6:
		only, _ := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		ip := netip.AddrFrom16(sa.Addr)
		return a.Network != Unix && sa.Port == int(a.Port) && (ip == a.IP || !a.IP.IsValid() && ip.IsUnspecified() && only == 0)
	}
	return false
}

// hasIPv6 says whether all addresses are those of IPv6 and IPv4 here, or of IPv4 alone.
func hasIPv6() bool {
	_, err := os.Stat("/proc/net/tcp6")
	return err == nil
}

// Close closes fd, and removes the file of a unix socket that it is the socket of.
func Close(fd int) {
	if sa, err := unix.Getsockname(fd); err == nil {
		if sa, ok := sa.(*unix.SockaddrUnix); ok && filepath.IsAbs(sa.Name) {
			defer removeClosed(sa.Name)
		}
	}
	unix.Close(fd)
}

// removeClosed: a file that somebody else listens on by now stays.
func removeClosed(path string) {
	var st unix.Stat_t
	if unix.Lstat(path, &st) == nil {
		_ = replaceStale(path, Owner{UID: int(st.Uid)})
	}
}

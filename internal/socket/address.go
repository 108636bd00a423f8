package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// pathBytesMax is sun_path less its closing zero (unix(7)).
const pathBytesMax = 107

// Networks that a service can listen on.
const (
	TCP  = "tcp"
	UDP  = "udp"
	Unix = "unix"
)

// Address is one that a service listens on, written "tcp:HOST:PORT", "udp:HOST:PORT" or
// "unix:/PATH".
type Address struct {
	Network string
	IP      netip.Addr // the zero Addr: all, of IPv6 and IPv4
	Port    uint16
	Path    string // of a unix socket
}

// Parse reads an address. HOST is an IP address or nothing: what a name means may change
// between two starts, and an open socket could not be known again by it.
func Parse(text string) (Address, error) {
	network, rest, _ := strings.Cut(text, ":")
	switch network {
	case Unix:
		return parsePath(rest)
	case TCP, UDP:
	default:
		return Address{}, fmt.Errorf("has %q; want \"tcp:HOST:PORT\", \"udp:HOST:PORT\" or \"unix:/PATH\"", text)
	}
	a := Address{Network: network}
	at := strings.LastIndexByte(rest, ':')
	if at < 0 {
		return Address{}, fmt.Errorf("has %q without a port; want \"%s:HOST:PORT\"", text, network)
	}
	port, err := strconv.ParseUint(rest[at+1:], 10, 16)
	if err != nil || port == 0 {
		return Address{}, fmt.Errorf("has %q, whose port is not between 1 and 65535", text)
	}
	a.Port = uint16(port)
	host := rest[:at]
	inner, closed := strings.CutSuffix(host, "]")
	inner, opened := strings.CutPrefix(inner, "[")
	if host == "" {
		return a, nil
	}
	a.IP, err = netip.ParseAddr(inner)
	switch {
	case err != nil || a.IP.Zone() != "":
		return Address{}, fmt.Errorf("has %q, whose host is no IP address; want such as \"%s:127.0.0.1:%d\", or \"%s::%d\" for all addresses", text, network, port, network, port)
	case a.IP.Is6() != opened || opened != closed:
		return Address{}, fmt.Errorf("has %q; an IPv6 address, and no other, stands in brackets: \"%s:[::1]:%d\"", text, network, port)
	}
	if a.IP = a.IP.Unmap(); a.IP == netip.IPv6Unspecified() {
		a.IP = netip.Addr{} // as net.Listen takes it
	}
	return a, nil
}

func parsePath(path string) (Address, error) {
	switch {
	case !filepath.IsAbs(path):
		return Address{}, fmt.Errorf("has \"unix:%s\", which is no absolute path", path)
	case len(path) > pathBytesMax:
		return Address{}, fmt.Errorf("has a path of %d bytes, and a unix socket's may have %d", len(path), pathBytesMax)
	case filepath.Clean(path) != path:
		return Address{}, fmt.Errorf("has \"unix:%s\"; write \"unix:%s\"", path, filepath.Clean(path))
	case strings.IndexFunc(path, unicode.IsControl) >= 0:
		return Address{}, errors.New("has a path with control characters")
	}
	return Address{Network: Unix, Path: path}, nil
}

// String is the form that Parse reads.
func (a Address) String() string {
	if a.Network == Unix {
		return Unix + ":" + a.Path
	}
	host := ""
	switch {
	case a.IP.Is6():
		host = "[" + a.IP.String() + "]"
	case a.IP.IsValid():
		host = a.IP.String()
	}
	return fmt.Sprintf("%s:%s:%d", a.Network, host, a.Port)
}

// Conflicts says whether both cannot be open at a time.
func (a Address) Conflicts(b Address) bool {
	if a.Network != b.Network || a.Port != b.Port || a.Path != b.Path {
		return false
	}
	all := func(x, y Address) bool {
		return !x.IP.IsValid() || x.IP.IsUnspecified() && x.IP.Is4() == y.IP.Is4()
	}
	return a.IP == b.IP || all(a, b) || all(b, a)
}

// Name is what LISTEN_FDNAMES calls it: no colons, which divide the names there
// (sd_listen_fds_with_names(3)).
func (a Address) Name() string {
	if a.Network != Unix {
		return fmt.Sprintf("%s-%d", a.Network, a.Port)
	}
	// Printable ASCII, at most 255 characters; a path's base is short enough.
	return "unix-" + strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == ':' {
			return '_'
		}
		return r
	}, filepath.Base(a.Path))
}

package socket

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// explain turns the kernel's number into what is in the way and what to do.
func (a Address) explain(err error) error {
	var in *inTheWayError
	switch {
	case errors.As(err, &in):
		return fmt.Errorf("cannot listen on %s: %w", a, err)
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: %w: %s", a, err, a.holder())
	case errors.Is(err, unix.EACCES) && a.Network == Unix:
		return fmt.Errorf("cannot listen on %s: %w: supd may not write to %s", a, err, filepath.Dir(a.Path))
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("cannot listen on %s: %w: ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE, which this supd lacks", a, err)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: %w: this machine does not have the address (now)", a, err)
	}
	return fmt.Errorf("cannot listen on %s: %w", a, err)
}

// holder says who has the address, as well as /proc tells.
func (a Address) holder() string {
	inodes := a.inodes()
	if len(inodes) == 0 {
		return "another process has it"
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range dirs {
		fds, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join(dir, fd.Name()))
			if err != nil || !slices.Contains(inodes, strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")) {
				continue
			}
			pid := filepath.Base(filepath.Dir(dir))
			if pid == strconv.Itoa(os.Getpid()) {
				return "supd itself has it, for another service"
			}
			comm, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			return fmt.Sprintf("pid %s (%s) has it; end that, or give one of them another address", pid, strings.TrimSpace(string(comm)))
		}
	}
	return "a process has it that this supd cannot see"
}

// inodes are those of the sockets that are in the way, by /proc/net (proc(5)).
func (a Address) inodes() []string {
	if a.Network == Unix {
		return rows("/proc/net/unix", func(f []string) (string, bool) {
			return field(f, 6), field(f, 7) == a.Path
		})
	}
	const listens = "0A" // TCP_LISTEN
	var found []string
	for _, file := range [...]string{a.Network, a.Network + "6"} {
		found = append(found, rows("/proc/net/"+file, func(f []string) (string, bool) {
			ip, port, ok := local(field(f, 1))
			if !ok || a.Network == TCP && field(f, 3) != listens {
				return "", false
			}
			other := Address{Network: a.Network, IP: ip, Port: port}
			return field(f, 9), a.Conflicts(other)
		})...)
	}
	return found
}

// local reads an address as /proc/net has it: 32-bit words in the machine's byte order.
func local(text string) (ip netip.Addr, port uint16, ok bool) {
	host, number, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(number, 16, 16)
	b, hexErr := hex.DecodeString(host)
	if err != nil || hexErr != nil || len(b)%4 != 0 {
		return ip, 0, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	ip, ok = netip.AddrFromSlice(b)
	if ip = ip.Unmap(); ip == netip.IPv6Unspecified() {
		ip = netip.Addr{}
	}
	return ip, uint16(n), ok
}

func rows(file string, pick func(fields []string) (string, bool)) (picked []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if inode, ok := pick(strings.Fields(line)); ok && inode != "" && inode != "0" {
			picked = append(picked, inode)
		}
	}
	return picked
}

func field(f []string, i int) string {
	if i >= len(f) {
		return ""
	}
	return f[i]
}

package socket

import (
	"bufio"
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
	inodes := a.Inodes()
	if len(inodes) == 0 {
		return "another process has it"
	}
	for _, pid := range Holders(inodes) {
		if pid == os.Getpid() {
			return "supd itself has it, for another service"
		}
		comm, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
		return fmt.Sprintf("pid %d (%s) has it; end that, or give one of them another address", pid, strings.TrimSpace(string(comm)))
	}
	return "a process has it that this supd cannot see"
}

// Holders finds a process for each socket inode, the one with the lowest pid. It looks at every descriptor of the machine, as
// far as the caller may see them.
func Holders(inodes []string) map[string]int {
	found := map[string]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err != nil {
			continue
		}
		fds, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join(dir, fd.Name()))
			if err != nil {
				continue
			}
			inode := strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")
			if before, known := found[inode]; slices.Contains(inodes, inode) && (!known || pid < before) {
				found[inode] = pid
			}
		}
	}
	return found
}

// Inodes are those of the sockets that are in the way, by /proc/net (proc(5)).
func (a Address) Inodes() []string {
	if a.Network == Unix {
		return rows("/proc/net/unix", func(f []string) (string, bool, bool) {
			return field(f, 6), field(f, 7) == a.Path, true
		})
	}
	const listens = "0A" // TCP_LISTEN
	var found []string
	for _, file := range [...]string{a.Network, a.Network + "6"} {
		found = append(found, rows("/proc/net/"+file, func(f []string) (inode string, take, more bool) {
			ip, port, ok := local(field(f, 1))
			if !ok { // the heading
				return "", false, true
			}
			if a.Network == TCP && field(f, 3) != listens {
				return "", false, false // listening sockets come first (networking/proc_net_tcp.rst)
			}
			other := Address{Network: a.Network, IP: ip, Port: port}
			return field(f, 9), a.Conflicts(other), true
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

// rows picks from a table until pick says that no more follows: a table of connections may be long.
func rows(file string, pick func(fields []string) (inode string, take, more bool)) (picked []string) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		inode, take, more := pick(strings.Fields(lines.Text()))
		if take && inode != "" && inode != "0" {
			picked = append(picked, inode)
		}
		if !more {
			break
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

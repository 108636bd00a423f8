package who

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// environBytesMax bounds what is read of a process's environment.
const environBytesMax = 256 << 10

// ClaimedRemote is the address from which a process, or who started it, says to have logged in: SSH_CONNECTION (ssh(1)) of the
// nearest one that has it, since sudo drops it. "" if none says so or may be read. A process chooses its environment, so it is a
// claim for people to read, and nothing is decided by it; what is no IP address is no claim.
func ClaimedRemote(pid int) string {
	for range generationsMax {
		if pid <= 1 {
			return ""
		}
		dir := "/proc/" + strconv.Itoa(pid)
		if from, found := sshClient(environ(dir)); found {
			return from
		}
		var ok bool
		if pid, ok = parentOf(pid); !ok {
			return ""
		}
	}
	return ""
}

// environ is the environment with which a process was started, as far as it may be read.
func environ(dir string) []byte {
	f, err := os.Open(dir + "/environ")
	if err != nil {
		return nil
	}
	defer f.Close()
	env, _ := io.ReadAll(io.LimitReader(f, environBytesMax)) // a part is looked through as well
	return env
}

// sshClient is the first word of SSH_CONNECTION in an environment as the kernel shows it.
func sshClient(env []byte) (from string, found bool) {
	for v := range bytes.SplitSeq(env, []byte{0}) {
		rest, is := strings.CutPrefix(string(v), "SSH_CONNECTION=")
		if !is {
			continue
		}
		first, _, _ := strings.Cut(rest, " ")
		addr, err := netip.ParseAddr(first)
		if err != nil {
			return "", true
		}
		return addr.WithZone("").String(), true // a zone could be any text, of any length
	}
	return "", false
}

// parentOf is the process that a process is a child of now.
func parentOf(pid int) (parent int, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // state, parent, …
	if len(f) < 2 {
		return 0, false
	}
	parent, err = strconv.Atoi(f[1])
	return parent, err == nil
}

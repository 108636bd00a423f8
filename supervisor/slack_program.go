package supervisor

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBackProgram lets go of the pages of supd's own program: half of those that its start touched (the config's parser,
// the making of metrics) are not needed again. What is needed comes back from the page cache when it is touched, a few at a
// time; nothing is read from the disk for that unless memory is short.
func giveBackProgram() {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for _, m := range ofProgram(f, exe) {
		// Refused, the pages stay.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

// mapped is a range of addresses.
type mapped struct{ from, to uintptr }

// ofProgram lists the mappings of a file that are nothing but the file: not writable, and with no page that was changed (by
// a linker at the start, or a debugger). Only such pages come back as they were (madvise(2), MADV_DONTNEED). The format is
// that of proc_pid_smaps(5).
func ofProgram(smaps io.Reader, file string) []mapped {
	var found []mapped
	var m mapped
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		key, rest, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasSuffix(key, ":") { // the first line of a mapping: from-to perms offset device inode path
			var perms string
			_, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &m.from, &m.to, &perms)
			candidate = err == nil && strings.HasPrefix(perms, "r-") && perms[3] == 'p' && strings.HasSuffix(rest, " "+file)
			continue
		}
		if key == "Anonymous:" && candidate && strings.TrimSpace(rest) == "0 kB" {
			found = append(found, m)
		}
	}
	return found
}

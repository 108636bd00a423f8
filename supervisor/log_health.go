package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// logRoomLeast is how many free bytes a file system has that is called full.
const logRoomLeast = 64 << 10

// healthy says whether what a service writes arrives in its log, and has status say so where it does not. Looked at when the log is, never by
// itself: a file system that fills up is noticed at the next line that still has room.
func (r *rotation) healthy(path string, l rotatedLog) bool {
	key := "logfile:" + l.service
	trouble := ""
	if svc := r.s.services.get(l.service); svc != nil {
		if p := svc.running(); p != nil {
			trouble = logTrouble(path, p.Identity())
			if svc.running() != p { // its number may be another process's by now
				trouble = ""
			}
		}
	}
	if trouble == "" {
		r.s.solved(key)
		return true
	}
	r.s.problem(key, fmt.Sprintf("the log of %q %s", l.service, trouble))
	return false
}

// logTrouble is what is wrong with the log of a living process, "" for nothing. What the process has open counts: it may have
// redirected its output itself, and that is nobody's business.
func logTrouble(path string, id proc.Identity) string {
	stdout := fmt.Sprintf("/proc/%d/fd/1", id.PID)
	open, err := os.Stat(stdout) // what is open, even if it has no name any more
	if err != nil || !open.Mode().IsRegular() {
		return ""
	}
	target, err := os.Readlink(stdout)
	if err != nil {
		return ""
	}
	const untilStart = "what it writes is not in its log until it is started again"
	named, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return ""
	case err != nil:
		return fmt.Sprintf("is gone: there is no %s, it writes into %s; %s", path, target, untilStart)
	case !os.SameFile(open, named) && strings.HasPrefix(target, path):
		return fmt.Sprintf("was replaced: %s is another file than the one that it writes into, %s; %s", path, target, untilStart)
	}
	var st unix.Statfs_t
	switch err := unix.Statfs(path, &st); {
	case err != nil:
	case st.Flags&unix.ST_RDONLY != 0:
		return fmt.Sprintf("is read-only: what it writes is lost until %s can be written again", path)
	case st.Bfree*uint64(st.Bsize) < logRoomLeast:
		return fmt.Sprintf("has no room: the file system of %s is full, and what it writes is lost", path)
	}
	return ""
}

package who

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

// Work is what a process of somebody's login session does in a directory.
type Work struct {
	Owner lockfile.Owner // with Name, TTY and PID
	How   string         // "stands in /srv/db", "has /srv/db/base open for writing"
}

// AtWork looks for a person at work in one of dirs: a process with a terminal, or of a user's session of logind, that stands
// in it or has a file below it open for writing. others are processes that do not count, with their descendants. complete
// is false when the time was over before every process was looked at. It sees what the caller may see: as root everything,
// else the caller's own processes. A login uid alone is no person: cron has one too.
func AtWork(dirs []string, others []int, until time.Time) (w Work, found, complete bool) {
	names, err := readNames("/proc")
	if err != nil {
		return w, false, false
	}
	dirs = realDirs(dirs)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if time.Now().After(until) {
			return w, false, false
		}
		proc := filepath.Join("/proc", name)
		// Most processes have no terminal, and are done with here.
		p, err := readProcess(proc)
		if err != nil || p.ttyNr == 0 && !userSession(proc) {
			continue
		}
		how := workIn(proc, dirs)
		if how == "" || descends(pid, others) {
			continue
		}
		owner := p.owner(pid)
		owner.Name = Name(owner.Person())
		return Work{owner, how}, true, true
	}
	return w, false, true
}

// realDirs are directories as /proc names them: by what they are.
func realDirs(dirs []string) []string {
	dirs = slices.Clone(dirs)
	for i, dir := range dirs {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dirs[i] = real
		}
	}
	return dirs
}

func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// workIn says what a process does in one of dirs, "" for nothing.
func workIn(proc string, dirs []string) string {
	if cwd, err := os.Readlink(proc + "/cwd"); err == nil && below(cwd, dirs) {
		return "stands in " + cwd
	}
	fds, err := readNames(proc + "/fd")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		if file, err := os.Readlink(proc + "/fd/" + fd); err == nil && below(file, dirs) && writable(proc+"/fdinfo/"+fd) {
			return "has " + file + " open for writing"
		}
	}
	return ""
}

func below(path string, dirs []string) bool {
	for _, dir := range dirs {
		if path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
			return true
		}
	}
	return false
}

// writable reads the flags of an open file, in octal (proc_pid_fdinfo(5)).
func writable(fdinfo string) bool {
	text, err := os.ReadFile(fdinfo)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(rest), 8, 32)
			return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}

// userSession says whether logind takes the process's session for a person's: pam_systemd(8) gives cron jobs sessions of
// class background.
func userSession(proc string) bool {
	text, err := os.ReadFile(proc + "/cgroup")
	if err != nil {
		return false
	}
	_, rest, found := strings.Cut(string(text), "/session-")
	id, _, scope := strings.Cut(rest, ".scope")
	if !found || !scope || strings.ContainsAny(id, "/\n") {
		return false
	}
	session, err := os.ReadFile("/run/systemd/sessions/" + id)
	return err == nil && strings.Contains("\n"+string(session), "\nCLASS=user\n")
}

// generationsMax bounds the walk up the process tree.
const generationsMax = 64

// descends says whether a process is one of ancestors, or below one.
func descends(pid int, ancestors []int) bool {
	for range generationsMax {
		for _, a := range ancestors {
			if pid == a {
				return true
			}
		}
		var ok bool
		if pid, ok = parentOf(pid); !ok || pid <= 1 {
			return false
		}
	}
	return false
}

package hands

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// RunningError: Start found the service alive. Nothing was started: never two.
type RunningError struct {
	Service string
	PIDs    []int
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("cannot start %q: processes of it are alive: %s", e.Service, pidList(e.PIDs))
}

// SpawnError: the program could not be started. Errno is what the kernel said, 0 if it
// was not asked.
type SpawnError struct {
	Service string
	Errno   syscall.Errno
	Why     string
	Err     error
}

func (e *SpawnError) Error() string { return fmt.Sprintf("cannot start %q: %s", e.Service, e.Why) }
func (e *SpawnError) Unwrap() error { return e.Err }

// spawnError explains a failed start: fork and exec give one number for a dozen causes,
// so the cause is looked for.
func spawnError(s *Spec, path string, err error) error {
	e := &SpawnError{Service: s.Service, Err: err, Why: err.Error()}
	if known := (*SpawnError)(nil); errors.As(err, &known) {
		return known
	}
	if !errors.As(err, &e.Errno) {
		return e
	}
	if why := dirTrouble(s.dir(), s.User, e.Errno); why != "" {
		e.Why = why
		return e
	}
	name := path
	if !filepath.IsAbs(path) {
		name = filepath.Join(s.dir(), path)
	}
	st, statErr := os.Stat(name)
	switch {
	case e.Errno == unix.EAGAIN:
		e.Why = "no more processes: " + processLimit(s.User)
	case e.Errno == unix.EMFILE:
		e.Why = "supd has no free file descriptors: raise LimitNOFILE of supd"
	case e.Errno == unix.ENFILE:
		e.Why = "the system has no free file descriptors: raise fs.file-max"
	case e.Errno == unix.EPERM && s.User != nil && unix.Geteuid() != 0:
		e.Why = fmt.Sprintf("supd is not root and cannot become user %q", s.User.Name)
	case e.Errno == unix.ENOEXEC:
		e.Why = name + ": not a program for this machine, and no #! line"
	case statErr != nil:
		e.Why = fmt.Sprintf("%s: %s", name, causeOf(statErr))
	case st.IsDir():
		e.Why = name + ": is a directory"
	case e.Errno == unix.EACCES && st.Mode()&0o111 == 0:
		e.Why = name + ": not executable (chmod +x?)"
	case e.Errno == unix.ENOENT:
		e.Why = missingInterpreter(name)
	case e.Errno == unix.EACCES && closedTo(s.User, filepath.Dir(name)) != "":
		e.Why = fmt.Sprintf("%s: user %q may not enter %s", name, s.User.Name, closedTo(s.User, filepath.Dir(name)))
	case e.Errno == unix.EACCES && s.User != nil:
		e.Why = fmt.Sprintf("%s: user %q may not execute it", name, s.User.Name)
	default:
		e.Why = fmt.Sprintf("%s: %s", name, e.Errno)
	}
	return e
}

// dirTrouble explains what is wrong with the working directory, "" if nothing is.
func dirTrouble(dir string, u *proc.User, errno syscall.Errno) string {
	if errno != unix.ENOENT && errno != unix.ENOTDIR && errno != unix.EACCES {
		return ""
	}
	st, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Sprintf("working directory %s: %s", dir, causeOf(err))
	case !st.IsDir():
		return fmt.Sprintf("working directory %s: not a directory", dir)
	}
	if shut := closedTo(u, dir); shut != "" {
		return fmt.Sprintf("working directory %s: user %q may not enter %s", dir, u.Name, shut)
	}
	return ""
}

// closedTo finds the first directory on the way to and including dir that u may not
// enter by its mode, "" if there is none.
func closedTo(u *proc.User, dir string) string {
	if u == nil || u.UID == 0 {
		return ""
	}
	for at := "/"; ; {
		var st unix.Stat_t
		if unix.Stat(at, &st) != nil {
			return ""
		}
		need := uint32(0o001)
		switch {
		case st.Uid == u.UID:
			need = 0o100
		case st.Gid == u.GID || slices.Contains(u.Groups, st.Gid):
			need = 0o010
		}
		if st.Mode&need == 0 {
			return at
		}
		rest, ok := strings.CutPrefix(dir, strings.TrimSuffix(at, "/")+"/")
		if !ok || rest == "" {
			return ""
		}
		next, _, _ := strings.Cut(rest, "/")
		at = filepath.Join(at, next)
	}
}

// causeOf strips the call and the path, which the message has already.
func causeOf(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// missingInterpreter: the file is there, so what is missing is the program its #! line
// names, or its dynamic linker.
func missingInterpreter(name string) string {
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		line, _ := bufio.NewReaderSize(f, 256).ReadString('\n')
		if interp, ok := strings.CutPrefix(line, "#!"); ok {
			if fields := strings.Fields(interp); len(fields) > 0 {
				return fmt.Sprintf("%s: its interpreter %s does not exist", name, fields[0])
			}
		}
	}
	return name + ": its dynamic linker does not exist (built for another system?)"
}

// processLimit names the limit that a fork met. The kernel does not say which, so the
// ones that can be seen are read.
func processLimit(u *proc.User) string {
	if b, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(b)) {
			_, path, ok := strings.Cut(strings.TrimSpace(line), "::")
			if !ok {
				continue
			}
			now, err1 := os.ReadFile("/sys/fs/cgroup" + path + "/pids.current")
			limit, err2 := os.ReadFile("/sys/fs/cgroup" + path + "/pids.max")
			if err1 == nil && err2 == nil && string(now) == string(limit) {
				return "pids.max of supd's cgroup is reached (TasksMax of supd.service)"
			}
		}
	}
	who := "supd's user"
	if u != nil {
		who = fmt.Sprintf("user %q", u.Name)
	}
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NPROC, &r) == nil && r.Cur != unix.RLIM_INFINITY {
		return fmt.Sprintf("RLIMIT_NPROC of %s is %d (ulimit -u), or pids.max of its cgroup, kernel.pid_max or threads-max is reached", who, r.Cur)
	}
	return "kernel.pid_max, kernel.threads-max or a cgroup's pids.max is reached"
}

func pidList(pids []int) string {
	const shown = 5
	s := strings.Trim(fmt.Sprint(pids[:min(len(pids), shown)]), "[]")
	if more := len(pids) - shown; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return "pid " + s
}

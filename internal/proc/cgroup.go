package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/several"
)

// Cgroup is one cgroup v2 directory.
type Cgroup struct{ Path string }

// Populated says whether a process lives in it or below (zombies do not count). A
// cgroup that does not exist is empty.
func (g *Cgroup) Populated() (bool, error) {
	var buf [256]byte
	b, err := readSmall(g.Path+"/cgroup.events", buf[:])
	if isAbsent(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("cannot tell whether cgroup %q is empty: %w", g.Path, err)
	}
	return bytes.Contains(b, []byte("populated 1")), nil
}

// isAbsent: the directory is gone, or went while its file was open.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// Contains says whether pid is in it or below now.
func (g *Cgroup) Contains(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			// Relative to the root of supd's cgroup namespace, as g.Path is below the
			// mount: the end has to match.
			if i := strings.Index(path, "/supd-"); i >= 0 {
				path = path[i:]
			}
			own := g.Path
			if i := strings.Index(own, "/supd-"); i >= 0 {
				own = own[i:]
			}
			return path == own || strings.HasPrefix(path, own+"/")
		}
	}
	return false
}

// Procs lists the pids in it and below. A cgroup that does not exist has none.
func (g *Cgroup) Procs() ([]int, error) {
	var pids []int
	err := filepath.WalkDir(g.Path, func(path string, d fs.DirEntry, err error) error {
		if isAbsent(err) {
			return nil
		} else if err != nil || !d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		if isAbsent(err) {
			return nil
		} else if err != nil {
			return err
		}
		for f := range strings.FieldsSeq(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	if err != nil {
		return pids, fmt.Errorf("cannot list the processes of cgroup %q: %w", g.Path, err)
	}
	return pids, nil
}

// Kill sends SIGKILL to everything in it and below, also to what forks meanwhile. It
// does not wait for their end.
func (g *Cgroup) Kill() error {
	err := os.WriteFile(filepath.Join(g.Path, "cgroup.kill"), []byte("1"), 0)
	switch {
	case err == nil:
		return nil
	case isAbsent(err):
		if _, err := os.Stat(g.Path); isAbsent(err) {
			return nil
		}
		return g.killByHand() // kernel before 5.14
	}
	return fmt.Errorf("cannot kill cgroup %q: %w", g.Path, err)
}

// killByHand freezes, so that nothing forks away, kills each, and thaws. A frozen
// process of cgroup v2 dies of SIGKILL.
func (g *Cgroup) killByHand() error {
	freeze := filepath.Join(g.Path, "cgroup.freeze")
	frozen := os.WriteFile(freeze, []byte("1"), 0)
	pids, err := g.Procs()
	for _, pid := range pids {
		g.SignalMember(pid, unix.SIGKILL)
	}
	if frozen == nil {
		err = several.Join(err, os.WriteFile(freeze, []byte("0"), 0))
	}
	return err
}

// SignalMember signals pid through a pidfd, if it is in the cgroup after that pidfd was
// opened.
func (g *Cgroup) SignalMember(pid int, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return ErrGone
	}
	defer unix.Close(fd)
	if !g.Contains(pid) {
		return ErrNotSame
	}
	return pidfdSignal(fd, Identity{PID: pid}, sig)
}

// WaitEmpty waits until nothing lives in it or below, without polling; false if it is
// not empty after timeout.
func (g *Cgroup) WaitEmpty(timeout time.Duration) (bool, error) {
	deadline := time.Now().Add(timeout)
	f, err := os.Open(filepath.Join(g.Path, "cgroup.events"))
	if isAbsent(err) {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("cannot watch cgroup %q: %w", g.Path, err)
	}
	defer f.Close()
	var buf [256]byte
	for {
		// Read first: reading is also what arms the next POLLPRI.
		n, err := f.ReadAt(buf[:], 0)
		if isAbsent(err) || n > 0 && !bytes.Contains(buf[:n], []byte("populated 1")) {
			return true, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, nil
		}
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		if _, err := pollRetry(fds, pollMillis(left)); err != nil {
			return false, fmt.Errorf("cannot watch cgroup %q: %w", g.Path, err)
		}
	}
}

// pollMillis rounds up, so that the deadline has passed when poll comes back empty.
func pollMillis(d time.Duration) int {
	const day = 24 * time.Hour
	return int((min(d, day) + time.Millisecond - 1) / time.Millisecond)
}

// Remove removes it and what is below; it has to be empty. That it is gone is no error.
func (g *Cgroup) Remove() error {
	// Most have nothing below them, and then this is all.
	if err := unix.Rmdir(g.Path); err == nil || isAbsent(err) {
		return nil
	}
	names, err := subdirs(g.Path, "")
	for _, n := range names {
		err = several.Join(err, (&Cgroup{Path: filepath.Join(g.Path, n)}).Remove())
	}
	if err == nil {
		err = unix.Rmdir(g.Path)
	}
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("cannot remove cgroup %q: %w", g.Path, err)
	}
	return nil
}

// OOMKills counts the processes here that the kernel killed for memory; false where
// there is no memory controller.
func (g *Cgroup) OOMKills() (uint64, bool) {
	b, err := os.ReadFile(filepath.Join(g.Path, "memory.events"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

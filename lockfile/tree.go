package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Cgroup is where a tree of processes lives. The zero value is none. The id decides: a path may name another cgroup by now.
type Cgroup struct {
	Path string `toml:"path,omitempty"` // below the mount of cgroup v2; "": left out for want of room
	ID   uint64 `toml:"id"`             // inode of its directory, which on one boot is no other cgroup's (kernel 5.5, kernfs)
}

// CgroupAt identifies the cgroup of a directory, for a record. The zero Cgroup if it is gone.
func CgroupAt(dir string) (Cgroup, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Lstat(dir, &st) })
	if isAbsent(err) {
		return Cgroup{}, nil
	}
	if err != nil {
		return Cgroup{}, fmt.Errorf("cannot identify the cgroup %q: %w", dir, err)
	}
	c := Cgroup{ID: st.Ino}
	mount, err := cgroupMount()
	if err != nil {
		return Cgroup{}, err
	}
	if below, ok := strings.CutPrefix(dir, mount+"/"); ok {
		c.Path = below
	}
	return c, nil
}

// signalledLives says whether something that was told to go does not heed it yet: the target, or what it left behind. Unsure is yes.
func (r *Record) signalledLives() bool {
	switch {
	case !r.TermSent:
		return false
	case r.Target.Alive():
		return true
	case r.Cgroup.ID != 0:
		return r.Cgroup.populated()
	}
	return r.Target.leftBehind()
}

// populated says whether anything lives in it or below; zombies do not count (Documentation/admin-guide/cgroup-v2.rst).
func (c Cgroup) populated() bool {
	mount, err := cgroupMount()
	if err != nil {
		return true
	}
	if c.Path != "" && filepath.IsLocal(c.Path) {
		if is, lives := c.at(filepath.Join(mount, c.Path)); is {
			return lives
		}
	}
	// It is gone, most likely. But its path may be another seen from here (a cgroup namespace), and may have been left out.
	lives := false
	err = filepath.WalkDir(mount, func(path string, e fs.DirEntry, err error) error {
		if isAbsent(err) || err == nil && !e.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		is := false
		if is, lives = c.at(path); is {
			return fs.SkipAll
		}
		return nil
	})
	return lives || err != nil
}

// at says whether dir is this cgroup, and if so whether anything lives in it.
func (c Cgroup) at(dir string) (is, lives bool) {
	fd, err := openFD(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	var on unix.Statfs_t
	if unix.Fstat(fd, &st) != nil || st.Ino != c.ID || unix.Fstatfs(fd, &on) != nil || on.Type != unix.CGROUP2_SUPER_MAGIC {
		return false, false
	}
	// Through the descriptor: the path may be another cgroup's by now.
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d/cgroup.events", fd))
	if isAbsent(err) || errors.Is(err, unix.ENODEV) { // removed, so it was empty
		return true, false
	}
	return true, err != nil || bytes.Contains(b, []byte("populated 1"))
}

// cgroupMount is where cgroup v2 is mounted: the first such line of /proc/self/mountinfo, as for supd itself.
func cgroupMount() (string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("cannot find cgroup v2: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		// 41 31 0:38 ROOT MOUNTPOINT OPTIONS [tags] - TYPE SOURCE OPTIONS
		left, right, ok := strings.Cut(line, " - ")
		if at := strings.Fields(left); ok && len(at) >= 6 && strings.HasPrefix(right, "cgroup2 ") {
			return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(at[4]), nil
		}
	}
	return "", errors.New("cannot find cgroup v2: it is not mounted")
}

// leftBehind says, where there is no cgroup to ask, whether somebody lives in the session or process group that p led. Whoever made
// a session of his own is not found.
func (p Proc) leftBehind() bool {
	if p.PID <= 0 {
		return false
	}
	// Such a number is not given out again while it has members. If it was, there were none.
	if s, err := procStat(p.PID); err == nil && s.start != p.Start {
		return false
	}
	names, err := disk{}.list("/proc")
	return err != nil || slices.ContainsFunc(names, func(n string) bool {
		pid, err := strconv.Atoi(n)
		if err != nil || pid == p.PID {
			return false
		}
		s, err := procStat(pid)
		return err == nil && !s.dead() && s.start >= p.Start && (s.session == p.PID || s.group == p.PID)
	})
}

func cgroupLine(b []byte, c Cgroup) []byte {
	if c.ID == 0 {
		return b
	}
	b = append(b, "\ncgroup = { "...)
	if c.Path != "" {
		b = append(appendBasic(append(b, `path = "`...), c.Path), `", `...)
	}
	b = strconv.AppendUint(append(b, "id = "...), c.ID, 10)
	return append(b, " }"...)
}

package lockfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// markerText is the content of STATE/format.
const markerText = "supd state directory, format 1\n"

// layout lists the directories of a state directory with their modes, parents first. Gates are
// not for others: whoever can open a gate for reading can hold it shut. Locks are for everybody
// to read.
var layout = [...]struct {
	dir  string
	mode uint32
}{
	{"locks", 0o755}, {"locks/service", 0o755}, {"locks/group", 0o755}, {"locks/host", 0o755}, {"locks/host/" + hostName, 0o755},
	{"ended", 0o755}, {"holds", 0o755}, {"gates", 0o700}, {"inflight", 0o755}, {"epoch", 0o755}, {"tmp", 0o700},
}

// networkFS are file systems whose flock or rename does not mean what this package needs, by
// statfs magic.
var networkFS = map[int64]string{
	0x6969: "nfs", 0xFF534D42: "cifs", 0xFE534D42: "smb2", 0x517B: "smb", 0x01021997: "9p",
	0x5346414F: "afs", 0x00C36400: "ceph", 0x0BD00BD0: "lustre", 0x73757245: "coda",
}

// Init makes the layout of a state directory at path, writing the marker last, so that a first
// start cut short is a first start again. A directory that has the marker is left as it is,
// apart from parts of the layout that are missing. Where there is no marker, Init makes one
// only in a directory that is missing or has nothing of the layout in it, and only if the
// caller says firstStart: an empty directory may be a mount that is missing, and only the
// caller can know (a first start has no plan to lose; a unit file should say
// RequiresMountsFor=). Also refused, whatever the caller says: a mount point for path in
// /etc/fstab that is not mounted.
func Init(path string, firstStart bool) error {
	var k disk
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := trusted(path); err != nil && !isAbsent(err) {
		return err
	}
	marked, err := k.exists(path + "/format")
	if err != nil {
		return &MarkerError{path, err}
	}
	if !marked {
		if err := mayBegin(path, firstStart); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("cannot make state directory %q: %w", path, err)
		}
		if err := k.mkdir(path, 0o755); err != nil {
			return fmt.Errorf("cannot make state directory %q: %w", path, err)
		}
	}
	if err := trusted(path); err != nil {
		return err
	}
	for _, e := range layout {
		if err := k.mkdir(filepath.Join(path, e.dir), e.mode); err != nil {
			return fmt.Errorf("cannot make state directory %q: %w", path, err)
		}
	}
	if marked {
		return nil
	}
	return begin(k, path)
}

// begin makes what a first start made durable and marks it.
func begin(k disk, path string) error {
	for i := len(layout) - 1; i >= 0; i-- {
		if err := k.syncDir(filepath.Join(path, layout[i].dir)); err != nil {
			return err
		}
	}
	d := &Dir{path: path, disk: k, self: selfProc()}
	d.keepSpares()
	tmp := d.tempName()
	if err := k.create(tmp, []byte(markerText), true); err != nil {
		return fmt.Errorf("cannot mark state directory %q: %w", path, err)
	}
	if err := k.renameOver(tmp, path+"/format"); err != nil {
		return fmt.Errorf("cannot mark state directory %q: %w", path, err)
	}
	if err := k.syncDir(path); err != nil {
		return err
	}
	return k.syncDir(filepath.Dir(path))
}

// mayBegin judges whether a directory without a marker may be made into a state directory.
func mayBegin(path string, firstStart bool) error {
	if !firstStart {
		return &MarkerError{path, os.ErrNotExist}
	}
	if missingMount(path) {
		return &DirError{path, "it is a mount point in /etc/fstab and nothing is mounted there; mount it"}
	}
	names, err := disk{}.list(path)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return &MarkerError{path, err}
	}
	for _, n := range names { // left by a first start that was cut short: empty directories only
		if n == "lost+found" {
			continue
		}
		if !partOfLayout(n) {
			return &DirError{path, fmt.Sprintf("it has no marker file \"format\" but it is not empty (%q); choose an empty or new directory", n)}
		}
		if !bare(filepath.Join(path, n)) {
			return &DirError{path, fmt.Sprintf("its marker file \"format\" is gone, but there is state in %q; put the marker back: printf %q > %s/format", n, strings.TrimSpace(markerText)+`\n`, path)}
		}
	}
	return nil
}

func partOfLayout(name string) bool {
	for _, e := range layout {
		if e.dir == name {
			return true
		}
	}
	return false
}

// bare says whether a tree holds directories and left-overs of tmp only, that is, no lock, hold
// or gate was ever made in it.
func bare(dir string) bool {
	clean := true
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && filepath.Base(dir) != "tmp" {
			clean = false
		}
		return nil
	})
	return clean && err == nil
}

// missingMount says whether /etc/fstab wants a file system at path that is not there. A systemd
// mount unit without a line in fstab is not seen: the service's RequiresMountsFor= is for that.
func missingMount(path string) bool {
	fstab, err := os.ReadFile("/etc/fstab")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(fstab)) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || filepath.Clean(f[1]) == "/" {
			continue
		}
		at := filepath.Clean(f[1])
		if (path == at || strings.HasPrefix(path, at+"/")) && !isMountPoint(at) {
			return true
		}
	}
	return false
}

// isMountPoint reads what is mounted now, as this process sees it.
func isMountPoint(path string) bool {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return true // cannot tell; the marker is the real guard
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.ReplaceAll(f[1], `\040`, " ") == path {
			return true
		}
	}
	return false
}

// trustedBelow refuses what locks and gates are in if it was put there by somebody else, or leads elsewhere: whoever owns it can
// take locks away unseen. What is missing, or no directory, is not refused: it holds.
func trustedBelow(path string) error {
	for _, e := range layout {
		var st unix.Stat_t
		if unix.Lstat(path+"/"+e.dir, &st) != nil {
			continue
		}
		const more = "; supctl maintenance doctor has the command"
		switch {
		case st.Mode&unix.S_IFMT == unix.S_IFLNK:
			return &DirError{path, e.dir + " in it is a symbolic link" + more}
		case st.Uid != uint32(os.Geteuid()) && st.Uid != 0:
			return &DirError{path, fmt.Sprintf("%s in it belongs to uid %d%s", e.dir, st.Uid, more)}
		case st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Mode&0o022 != 0:
			return &DirError{path, fmt.Sprintf("others may write in %s of it (mode %#o)%s", e.dir, st.Mode&0o777, more)}
		}
	}
	return nil
}

// trusted refuses a state directory that is not a directory of ours: a symbolic link, another
// person's, writable by others, or on a file system where flock is not the kernel's own.
func trusted(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &MarkerError{path, err}
	}
	switch uid := uint32(os.Geteuid()); {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return &DirError{path, "it is a symbolic link; name the directory itself"}
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return &DirError{path, "it is not a directory"}
	case st.Uid != uid && st.Uid != 0:
		return &DirError{path, fmt.Sprintf("it belongs to uid %d; run this as that user", st.Uid)}
	case st.Mode&0o022 != 0:
		return &DirError{path, fmt.Sprintf("others may write in it (mode %#o); chmod go-w it", st.Mode&0o777)}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return &MarkerError{path, err}
	}
	if name, bad := networkFS[int64(fs.Type)&0xffffffff]; bad {
		return &DirError{path, "it is on " + name + ", where locks of other machines are not seen; use a local file system"}
	}
	return nil
}

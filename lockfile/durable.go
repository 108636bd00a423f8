package lockfile

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// putNew writes dir/id.toml so that it survives a power loss when it returns: content fsynced
// under a temporary name, renamed without replacing, the directory fsynced, and every parent up
// to the state directory, also those that existed (once in the life of this process): whoever
// made them may have died before his fsync. os.ErrExist if the id is there; then its entry is durable all the same.
// placed: the file stands, whatever failed afterwards.
func (d *Dir) putNew(dir, id string, content []byte) (placed bool, err error) {
	if err := d.own(dir); err != nil {
		return false, err
	}
	tmp, err := d.temp(content, true)
	if err != nil {
		return false, err
	}
	to := dir + "/" + id + ".toml"
	err = d.disk.renameNew(tmp, to)
	if isAbsent(err) {
		if err = d.disk.mkdir(dir, 0o755); err == nil {
			err = d.disk.renameNew(tmp, to)
		}
	}
	if err != nil {
		d.disk.unlink(tmp)
		if !errors.Is(err, os.ErrExist) {
			return false, err
		}
	}
	if serr := d.syncUp(dir); serr != nil {
		return true, serr // the entry stays: who takes it away again does so under its gates
	}
	return true, err
}

// replace rewrites dir/id.toml, durable on return. The gates of the lock are held.
func (d *Dir) replace(path string, content []byte) error {
	tmp, err := d.temp(content, true)
	if err != nil {
		return err
	}
	if err := d.disk.renameOver(tmp, path); err != nil {
		d.disk.unlink(tmp)
		return err
	}
	return d.syncUp(filepath.Dir(path))
}

// syncUp fsyncs directories and their parents up to the state directory, each once, children first. Parents of what is
// anchored already are left out.
func (d *Dir) syncUp(dirs ...string) error {
	done := map[string]bool{}
	var reached []anchor
	for len(dirs) > 0 {
		var parents []string
		for _, dir := range dirs {
			if done[dir] {
				continue
			}
			done[dir] = true
			is, err := d.disk.syncDirOf(dir)
			if err != nil {
				return err
			}
			if len(dir) > len(d.path) && !d.anchored.has(is) {
				parents = append(parents, filepath.Dir(dir))
				reached = append(reached, is)
			}
		}
		dirs = parents
	}
	d.anchored.add(reached)
	return nil
}

// own refuses to write below a path that is something else than a directory: what is behind a symbolic link is not read, so a lock
// that is written there is none. Absent is fine, it will be made.
func (d *Dir) own(dir string) error {
	st, err := d.disk.stat(dir)
	switch {
	case isAbsent(err):
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil
	}
	what := "it is not a directory"
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		what = "it is a symbolic link, not a directory"
	}
	return &UnreadableError{Service: d.targetOf(dir).String(), Files: []Unreadable{{dir, errors.New(what)}}}
}

// copyTo hangs the lock file at path into a member's directory as well, as another name of the
// same file: the gate of the member then finds it without knowing of the target. Not durable
// yet. An existing copy is fine.
func (d *Dir) copyTo(path, id, member string) error {
	dir := d.lockDir(ServiceTarget(member))
	if err := d.own(dir); err != nil {
		return err
	}
	to := dir + "/" + id + ".toml"
	err := d.disk.link(path, to)
	if isAbsent(err) {
		if err = d.disk.mkdir(dir, 0o755); err == nil {
			err = d.disk.link(path, to)
		}
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// recopy makes the copy in a member's directory the present file, after the file at path was
// replaced. The gates are held.
func (d *Dir) recopy(path, id, member string) error {
	tmp := d.tempName()
	if err := d.disk.link(path, tmp); err != nil {
		return err
	}
	defer d.disk.unlink(tmp) // rename leaves it if both are one file already
	return d.disk.renameOver(tmp, d.lockDir(ServiceTarget(member))+"/"+id+".toml")
}

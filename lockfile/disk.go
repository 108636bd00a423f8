package lockfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// fileBytesMax bounds what is read of one state file. A larger one is no file of ours, so it is
// damaged, so it holds.
const fileBytesMax = 1 << 20

// disk is every system call that this package makes on the state directory, each under a name.
// The hook sees the name and the path before the call and may fail it: that is how the tests
// have full disks, read errors and kills between any two steps.
type disk struct {
	hook func(op, path string) error
}

// enter asks the hook before a system call; its error takes the place of the call's.
func (k disk) enter(op, path string) error {
	if k.hook == nil {
		return nil
	}
	if err := k.hook(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// done names operation and file in an error, which every message to people needs.
func (k disk) done(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// again repeats a call that a signal interrupted: the runtime's own preemption signal does that.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// openFD opens close-on-exec: nothing of the state directory is for services to inherit.
func openFD(path string, flags int, mode uint32) (fd int, err error) {
	err = again(func() error {
		var e error
		fd, e = unix.Open(path, flags|unix.O_CLOEXEC, mode)
		return e
	})
	return fd, err
}

// readBuffers serve small reads, so that the gate does not allocate for each file.
var readBuffers = sync.Pool{New: func() any { b := make([]byte, 8<<10); return &b }}

// read returns the content of a regular file of at most fileBytesMax bytes.
func (k disk) read(path string) ([]byte, error) { return k.readMax(path, fileBytesMax) }

// readMax is read with another limit. Never through a symbolic link, never waiting on a FIFO.
func (k disk) readMax(path string, limit int) ([]byte, error) {
	if err := k.enter("read", path); err != nil {
		return nil, err
	}
	fd, err := openFD(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, k.done("open", path, err)
	}
	defer unix.Close(fd)
	bufp := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(bufp)
	var all []byte
	for {
		var n int
		err := again(func() error { var e error; n, e = unix.Read(fd, *bufp); return e })
		if err != nil {
			return nil, k.done("read", path, err)
		}
		all = append(all, (*bufp)[:n]...)
		if len(all) > limit {
			return nil, k.done("read", path, fmt.Errorf("larger than %d bytes", limit))
		}
		if n < len(*bufp) { // a regular file gives all it has; a short read is its end
			return all, nil
		}
	}
}

// list returns the names in a directory, unsorted, without "." and "..".
func (k disk) list(path string) ([]string, error) { return k.listWhere(path, "") }

// listWhere lists the names that begin so. The others cost no memory.
func (k disk) listWhere(path, prefix string) ([]string, error) {
	if err := k.enter("list", path); err != nil {
		return nil, err
	}
	fd, err := openFD(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, k.done("open", path, err)
	}
	defer unix.Close(fd)
	bufp := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(bufp)
	var names []string
	for {
		var n int
		err := again(func() error { var e error; n, e = unix.ReadDirent(fd, *bufp); return e })
		if err != nil {
			return nil, k.done("list", path, err)
		}
		if n <= 0 {
			return names, nil
		}
		names = appendNames(names, (*bufp)[:n], prefix)
	}
}

// exists tells presence from absence; any error but ENOENT is an error, never "absent".
func (k disk) exists(path string) (bool, error) {
	if err := k.enter("stat", path); err != nil {
		return false, err
	}
	switch err := again(func() error { return unix.Faccessat(unix.AT_FDCWD, path, unix.F_OK, unix.AT_SYMLINK_NOFOLLOW) }); err {
	case nil:
		return true, nil
	case unix.ENOENT:
		return false, nil
	default:
		return false, k.done("stat", path, err)
	}
}

// anchor is what stands at path, a symbolic link included. os.ErrNotExist if nothing does.
func (k disk) anchor(path string) (anchor, error) {
	if err := k.enter("stat", path); err != nil {
		return anchor{}, err
	}
	is, err := anchorOf(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
	return is, k.done("stat", path, err)
}

// setTime gives a file a time of change; where that is not possible nothing else can be written either.
func (k disk) setTime(path string, to unix.Timespec) {
	if k.enter("stamp", path) == nil {
		_ = again(func() error {
			return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{to, to}, unix.AT_SYMLINK_NOFOLLOW)
		})
	}
}

func (k disk) stat(path string) (st unix.Stat_t, err error) {
	if err := k.enter("stat", path); err != nil {
		return st, err
	}
	err = again(func() error { return unix.Lstat(path, &st) })
	return st, k.done("stat", path, err)
}

// create makes a new file with this content, readable by everybody whatever the umask, and
// fsyncs it if sync.
func (k disk) create(path string, content []byte, sync bool) error {
	if err := k.enter("create", path); err != nil {
		return err
	}
	fd, err := openFD(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return k.done("create", path, err)
	}
	defer unix.Close(fd)
	return k.fill(fd, path, content, sync)
}

// fill writes content at the beginning of an open file, cuts what is behind it, and fsyncs if sync.
func (k disk) fill(fd int, path string, content []byte, sync bool) error {
	if err := unix.Fchmod(fd, 0o644); err != nil {
		return k.done("chmod", path, err)
	}
	if err := k.writeAt(fd, path, content); err != nil {
		return err
	}
	if err := again(func() error { return unix.Ftruncate(fd, int64(len(content))) }); err != nil {
		return k.done("truncate", path, err)
	}
	if !sync {
		return nil
	}
	return k.syncFD(fd, path)
}

// writeAt writes from the beginning of the file. For up to one block it is one call, which a kill
// does not cut in two.
func (k disk) writeAt(fd int, path string, content []byte) error {
	if err := k.enter("write", path); err != nil {
		return err
	}
	for off := 0; off < len(content); {
		var n int
		err := again(func() error { var e error; n, e = unix.Pwrite(fd, content[off:], int64(off)); return e })
		if err != nil {
			return k.done("write", path, err)
		}
		off += n
	}
	return nil
}

func (k disk) syncFD(fd int, path string) error {
	if err := k.enter("fsync", path); err != nil {
		return err
	}
	return k.done("fsync", path, again(func() error { return unix.Fsync(fd) }))
}

// syncDir makes the entries of a directory durable.
func (k disk) syncDir(path string) error {
	_, err := k.syncDirOf(path)
	return err
}

// syncDirOf is syncDir, and says which directory it was.
func (k disk) syncDirOf(path string) (anchor, error) {
	fd, err := openFD(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return anchor{}, k.done("open", path, err)
	}
	defer unix.Close(fd)
	is, err := anchorOf(fd, "", unix.AT_EMPTY_PATH)
	if err != nil {
		return is, k.done("stat", path, err)
	}
	return is, k.syncFD(fd, path)
}

// renameNew renames only if nothing has the new name: EEXIST otherwise.
func (k disk) renameNew(from, to string) error {
	if err := k.enter("rename", to); err != nil {
		return err
	}
	err := again(func() error {
		return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	})
	if err == unix.EINVAL || err == unix.ENOSYS { // file systems without the flag: a link does not replace either
		if err = unix.Link(from, to); err == nil {
			err = unix.Unlink(from)
		}
	}
	return k.done("rename", to, err)
}

// renameOver replaces whatever has the new name. For a lock file: only with its gates held.
func (k disk) renameOver(from, to string) error {
	if err := k.enter("rename", to); err != nil {
		return err
	}
	return k.done("rename", to, again(func() error { return unix.Rename(from, to) }))
}

// link gives a file a second name; it fails where the name is taken.
func (k disk) link(from, to string) error {
	if err := k.enter("link", to); err != nil {
		return err
	}
	return k.done("link", to, again(func() error { return unix.Link(from, to) }))
}

// unlink removes a file; one that is not there is no error.
func (k disk) unlink(path string) error {
	if err := k.enter("unlink", path); err != nil {
		return err
	}
	if err := again(func() error { return unix.Unlink(path) }); err != unix.ENOENT {
		return k.done("unlink", path, err)
	}
	return nil
}

// mkdir makes a directory with exactly this mode; one that is there is no error.
func (k disk) mkdir(path string, mode uint32) error {
	if err := k.enter("mkdir", path); err != nil {
		return err
	}
	switch err := again(func() error { return unix.Mkdir(path, mode) }); err {
	case nil:
		return k.done("chmod", path, unix.Chmod(path, mode))
	case unix.EEXIST:
		return nil
	default:
		return k.done("mkdir", path, err)
	}
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

func isAbsent(err error) bool { return errors.Is(err, os.ErrNotExist) }

// baseID is the id that a file name stands for; "" if it is no ID.toml.
func baseID(name string) string {
	id, ok := strings.CutSuffix(name, ".toml")
	if !ok || ValidID(id) != nil {
		return ""
	}
	return id
}

package logfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// blockLeast is the smallest unit that is taken out of a file: a page, so that punched holes begin and end on one.
const blockLeast = 4096

// file is a log that is open. Never for appending: pwrite(2) on such a descriptor would append whatever offset it is given.
type file struct {
	*os.File
	block int64
}

// open opens a log without following a link at its end. It has to be a regular file with one name: rotating writes
// into it, and as root a second name could be anybody's file.
func open(path string, flags int) (*file, error) {
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err = unix.Fstat(int(f.Fd()), &st); err == nil {
		err = unix.Fstatfs(int(f.Fd()), &fs)
	}
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		err = fmt.Errorf("%q is no regular file", path)
	case flags&os.O_RDWR != 0 && st.Nlink != 1:
		err = fmt.Errorf("%q has %d names; a log that is rotated must have one", path, st.Nlink)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &file{File: f, block: max(blockLeast, int64(fs.Bsize))}, nil
}

// size is the offset at which the next line will be appended.
func (f *file) size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// head is where the data begins: 0, or the end of the hole that rotations left (lseek(2), SEEK_DATA). File systems
// without holes say 0.
func (f *file) head() (int64, error) {
	at, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA)
	switch err {
	case nil:
		return at / f.block * f.block, nil
	case unix.ENXIO: // all hole, or empty
		return f.size()
	case unix.EINVAL, unix.EOPNOTSUPP:
		return 0, nil
	}
	return 0, err
}

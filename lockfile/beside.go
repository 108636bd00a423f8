package lockfile

import (
	"os"
	"path/filepath"
)

// Present fails with a *MarkerError if the state directory is not there now: its file system may have been unmounted under a
// running daemon. Who is about to make a file below Path asks first, or it is made in the mount point.
func (d *Dir) Present() error { return d.marked() }

// Beside makes sure that there is a directory called name in the state directory, for notes that are no locks: nothing here
// ever reads it. It gives its path. Errors: *MarkerError; those of mkdir(2).
func (d *Dir) Beside(name string, mode os.FileMode) (string, error) {
	path := filepath.Join(d.path, name)
	if err := d.marked(); err != nil {
		return "", err
	}
	return path, d.disk.mkdir(path, uint32(mode.Perm()))
}

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// asideMax bounds the search for a free name.
const asideMax = 100

// moveAside renames a damaged database to PATH.damaged-TIME. It never replaces
// an earlier one.
func moveAside(path string, now time.Time) (aside string, err error) {
	base := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	aside = base
	for i := 2; i < asideMax; i++ {
		err = unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, aside, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EINVAL) { // a file system without it
			if _, exists := os.Lstat(aside); errors.Is(exists, fs.ErrNotExist) {
				err = os.Rename(path, aside)
			} else {
				err = unix.EEXIST
			}
		}
		if !errors.Is(err, unix.EEXIST) {
			break
		}
		aside = fmt.Sprintf("%s.%d", base, i)
	}
	return aside, err
}

package configs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Whoever can write the config of a supd that runs as root can run anything as
// root: the file, every directory above it, and what a symbolic link leads to
// must be root's alone to write.

func (t Trust) applies() bool {
	return t == TrustOwned || t == TrustAuto && os.Geteuid() == 0
}

// judge says why a file cannot be trusted; nil when it can.
func (t Trust) judge(path string) error {
	if !t.applies() {
		return nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := judgeChain(abs); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil || real == abs {
		return err
	}
	return judgeChain(real)
}

// judgeChain looks at the file and at every directory up to the root: in a
// directory that others can write, they can put another file in its place.
func judgeChain(path string) error {
	for {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if err := judgeOne(path, info); err != nil {
			return err
		}
		parent := filepath.Dir(path)
		if parent == path {
			return nil
		}
		path = parent
	}
}

// writableByOthers are the mode bits that let somebody else write.
const writableByOthers = 0o022

// judgeOne judges owner and mode. supd's own user may own files as well: it is
// root wherever this matters.
func judgeOne(path string, info fs.FileInfo) error {
	noun := "file"
	if info.IsDir() {
		noun = "directory"
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s %s belongs to uid %d, who could change what supd runs; run: chown root %s", noun, path, stat.Uid, path)
	}
	mode := info.Mode()
	link := mode&fs.ModeSymlink != 0                  // a link's own mode means nothing
	shared := info.IsDir() && mode&fs.ModeSticky != 0 // others may add names there, not replace ours
	if mode.Perm()&writableByOthers != 0 && !link && !shared {
		return fmt.Errorf("%s %s can be written by others (mode %04o); run: chmod go-w %s", noun, path, mode.Perm(), path)
	}
	return nil
}

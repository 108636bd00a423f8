package where

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// SystemRunDir is the run directory of the host's supd.
const SystemRunDir = "/run/supd"

// Names of the files in a run directory.
const (
	socketFile   = "supd.sock"
	stateDirFile = "state-dir"
)

// stateDirBytesMax bounds the state-dir file: it holds one path.
const stateDirBytesMax = 4096

// ForeignError: a directory cannot be trusted, because somebody else owns it or
// may write to it.
type ForeignError struct{ Dir, Why string }

func (e *ForeignError) Error() string { return fmt.Sprintf("cannot trust %q: %s", e.Dir, e.Why) }

// UserRunDirs are the places of an ordinary user's private supd, best first. env
// is os.Getenv or the like. They need not exist.
func UserRunDirs(env func(string) string, uid int) []string {
	var dirs []string
	if x := env("XDG_RUNTIME_DIR"); filepath.IsAbs(x) {
		dirs = append(dirs, filepath.Join(x, "supd"))
	}
	return append(dirs, filepath.Join(os.TempDir(), "supd-"+strconv.Itoa(uid)))
}

// MakeUserRunDir makes the first of UserRunDirs that can be made, mode 0700, and
// checks that it is the caller's own. For a private supd and the demo.
func MakeUserRunDir(env func(string) string, uid int) (string, error) {
	var tried []string
	for _, dir := range UserRunDirs(env, uid) {
		err := os.Mkdir(dir, 0o700)
		if err == nil || errors.Is(err, os.ErrExist) {
			err = Trusted(dir, uid)
		}
		if err == nil {
			return dir, nil
		}
		tried = append(tried, err.Error())
	}
	return "", fmt.Errorf("cannot make a run directory: %s", strings.Join(tried, "; "))
}

// Trusted judges a per-user run directory: a real directory of uid or root that
// nobody else may write to. Error: *ForeignError, or that of lstat.
func Trusted(dir string, uid int) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &ForeignError{dir, "it is no directory"}
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); !ok || int(sys.Uid) != uid && sys.Uid != 0 {
		return &ForeignError{dir, "it belongs to somebody else"}
	}
	if st.Mode().Perm()&0o022 != 0 {
		return &ForeignError{dir, "others may write to it"}
	}
	return nil
}

// Socket is the socket's path in a run directory.
func Socket(runDir string) string { return filepath.Join(runDir, socketFile) }

// WriteStateDir leaves the state directory's path in a run directory, so that
// supctl finds it when no daemon answers. It replaces by rename: a reader never
// sees half a path.
func WriteStateDir(runDir, stateDir string) error {
	abs, err := filepath.Abs(stateDir)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(runDir, "."+stateDirFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, once it was renamed
	_, err = f.WriteString(abs + "\n")
	if err = cmp.Or(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(runDir, stateDirFile))
}

// StateDir reads what WriteStateDir left. fs.ErrNotExist if there is nothing.
func StateDir(runDir string) (string, error) {
	path := filepath.Join(runDir, stateDirFile)
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b := make([]byte, stateDirBytesMax)
	n, err := f.Read(b)
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %w", path, err)
	}
	dir := strings.TrimSpace(string(b[:n]))
	if !filepath.IsAbs(dir) || n == len(b) {
		return "", fmt.Errorf("cannot use %q: it does not hold one absolute path", path)
	}
	return dir, nil
}

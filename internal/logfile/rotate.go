package logfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Rule says when a log is rotated and what is kept of it.
type Rule struct {
	Size int64         // bytes; a file that has more is rotated, and all rotated ones together have at most Keep+1 times as many
	Keep int           // rotated files, at least 1
	Age  time.Duration // rotated files that are older are removed; 0 = never
}

// Result is what a call of Rotate did.
type Result struct {
	File  string // the new rotated file; "" when nothing was due
	Lost  int64  // bytes that came faster than the rule allows to keep
	Risky bool   // copied and truncated: what was written in between is lost
	Live  int64  // bytes now in the log
}

// behindFactor: a log that has grown past so many times its size is rotated without waiting for the disk. The copy is
// then safe against the death of supd, and not against that of the machine.
const behindFactor = 2

// Rotate moves what a log has over its rule's size into a rotated file, as described at the package, finishes what an
// interrupted rotation left, and removes what the rule does not keep. Nobody else may rotate the same log meanwhile. It takes as long as
// the disk needs for Size bytes, and is never called where that would hold up anybody.
func Rotate(path string, rule Rule, now time.Time) (Result, error) {
	res, err := rotate(path, rule, now)
	if err != nil {
		err = fmt.Errorf("cannot rotate %q: %w", path, err)
	}
	return res, err
}

func rotate(path string, rule Rule, now time.Time) (Result, error) {
	f, err := open(path, os.O_RDWR)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	head, err := f.head()
	if err != nil {
		return Result{}, err
	}
	if m, copied, found := f.readMark(path, head); found {
		if err := f.finish(path, m, copied, true); err != nil {
			return Result{}, err
		}
		if head, err = f.head(); err != nil {
			return Result{}, err
		}
	}
	size, err := f.size()
	if err != nil {
		return Result{}, err
	}
	list, err := List(path)
	if err != nil {
		return Result{}, err
	}
	if size-head <= rule.Size {
		return Result{Live: size - head}, prune(list, rule, 0, now)
	}
	to, err := f.cutBefore(head, size)
	if err != nil || to == head {
		return Result{Live: size - head}, err
	}
	return f.move(path, rule, now, list, head, to)
}

// move does one rotation of [from, to).
func (f *file) move(path string, rule Rule, now time.Time, list []Rotated, from, to int64) (Result, error) {
	calm := to-from <= behindFactor*rule.Size
	start := max(from, to-rule.Size*int64(rule.Keep))
	if start > from {
		// What the rule would remove at once need not be copied; a line that is cut is none.
		start = f.lineAfter(start, to)
	}
	if err := prune(list, rule, to-start, now); err != nil {
		return Result{}, err
	}
	res := Result{File: nextName(path, list, now, start-from), Lost: start - from}
	out, err := f.newCopy(path + copySuffix)
	if err != nil {
		return Result{}, err
	}
	defer out.Close()
	if errors.Is(punch(out, 0, f.block), unix.EOPNOTSUPP) {
		res.Risky = true
		return res, f.truncated(path, out, res.File, start)
	}
	if err = copyRange(out, f.File, start, to-start); err == nil && calm {
		err = out.Sync()
	}
	if err != nil {
		os.Remove(path + copySuffix)
		return Result{}, err
	}
	m := mark{name: filepath.Base(res.File), from: from, to: to, block: f.block}
	if _, err = f.WriteAt(m.text(), from); err == nil && calm {
		err = unix.Fdatasync(int(f.Fd()))
	}
	if err == nil {
		err = f.finish(path, m, path+copySuffix, calm)
	}
	if err != nil {
		return Result{}, err
	}
	res.Live, err = f.size()
	if head, herr := f.head(); herr == nil {
		res.Live -= head
	}
	return res, err
}

// finish does what follows the mark; all of it may have been done before.
func (f *file) finish(path string, m mark, copied string, calm bool) error {
	if final := filepath.Join(filepath.Dir(path), m.name); copied != final {
		if err := os.Rename(copied, final); err != nil {
			return err
		}
	}
	if calm {
		if err := syncDir(filepath.Dir(path)); err != nil {
			return err
		}
	}
	if rest := m.to - m.cut(); rest > 0 {
		if _, err := f.WriteAt(blank(rest), m.cut()); err != nil {
			return err
		}
	}
	// Punched first: collapsing waits until all of the file is on the disk, and in a flood that is more than the disk can take
	// while more comes. In between the log is as a punched one is.
	if err := punch(f.File, 0, m.cut()); err != nil {
		return err
	}
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, m.cut())
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) { // EINVAL: ext4 with larger clusters than blocks
		return nil
	}
	return err
}

// blank is a line of so many bytes in which nothing stands.
func blank(n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	b[n-1] = '\n'
	return b
}

func punch(f *os.File, from, n int64) error {
	return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, n)
}

// truncated copies what there is and empties the log, for file systems that can take nothing out of a file.
func (f *file) truncated(path string, out *os.File, final string, from int64) error {
	for {
		size, err := f.size()
		if err != nil {
			return err
		}
		if size <= from {
			break
		}
		if err := copyRange(out, f.File, from, size-from); err != nil {
			os.Remove(path + copySuffix)
			return err
		}
		from = size
	}
	if err := os.Rename(path+copySuffix, final); err != nil {
		return err
	}
	return f.Truncate(0)
}

// newCopy makes an empty file that belongs to whom the log belongs. What an interrupted rotation left there has no mark, so it is nothing.
func (f *file) newCopy(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	out, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(int(f.Fd()), &st); err == nil {
		if unix.Geteuid() == 0 {
			err = out.Chown(int(st.Uid), int(st.Gid))
		}
		if err == nil {
			err = out.Chmod(os.FileMode(st.Mode & 0o777))
		}
	}
	if err != nil {
		out.Close()
		os.Remove(path)
		return nil, err
	}
	return out, nil
}

// copyRange appends n bytes of from to out, inside the kernel where it can (copy_file_range(2), by way of os.File).
func copyRange(out, from *os.File, at, n int64) error {
	if _, err := from.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(out, from, n)
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

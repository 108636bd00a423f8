package logfile

import (
	"io"
	"os"
	"path/filepath"
)

// view is one consistent look at a log and its rotated files. Positions in the log count from where its blocks begin that no rotation
// has taken out, so that they mean the same before and after the blocks are gone.
type view struct {
	f       *file     // nil: there is no log
	base    int64     // offset of position 0
	size    int64     // position of the end
	skip    int64     // the first bytes stand at the end of the newest rotated file too
	rotated []Rotated // without their sizes, but for the newest
}

// viewTries bounds the looks that fall into a rotation. What is left then is a rotation for each look, which nothing but a test does.
const viewTries = 100

// look opens a log. Close v.f if there is one.
func look(path string) (v view, err error) {
	for range viewTries {
		if v, err = lookOnce(path); err != nil || v.holds(path) {
			return v, err
		}
		v.close()
	}
	return lookOnce(path)
}

func lookOnce(path string) (v view, err error) {
	if v.rotated, err = listNames(path); err != nil {
		return v, err
	}
	v.f, err = open(path, os.O_RDONLY)
	if os.IsNotExist(err) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	if v.base, err = v.f.head(); err != nil {
		v.close()
		return v, err
	}
	if m, copied, found := v.f.readMark(path, v.base); found {
		r, _ := parseName(filepath.Base(path), m.name)
		r.Path, r.Size = copied, m.to-m.from-r.Lost
		if copied == path+copySuffix {
			v.rotated = append(v.rotated, r)
		}
		v.base, v.skip = m.cut(), m.to-m.cut()
	} else if n := len(v.rotated); n > 0 && v.rotated[n-1].stat() == nil {
		v.skip = v.rotated[n-1].span() % v.f.block
		if !v.f.blankAt(v.base, v.skip) {
			v.skip = 0 // another file than the one that was rotated
		}
	}
	size, err := v.f.size()
	if err != nil {
		v.close()
		return v, err
	}
	v.size = max(size-v.base, 0)
	return v, nil
}

// holds says whether what was read with this view is what stood there: no rotation went on meanwhile.
func (v *view) holds(path string) bool {
	again, err := lookOnce(path)
	if err != nil {
		return false
	}
	defer again.close()
	if (v.f == nil) != (again.f == nil) || v.base != again.base || v.last() != again.last() || again.size < v.size {
		return false
	}
	if v.f == nil {
		return true
	}
	a, aerr := v.f.Stat()
	b, berr := again.f.Stat()
	return aerr == nil && berr == nil && os.SameFile(a, b)
}

// last is the stamp of the newest rotated file, "" without one.
func (v *view) last() string {
	if n := len(v.rotated); n > 0 {
		return v.rotated[n-1].Stamp
	}
	return ""
}

// read reads at a position of the log.
func (v *view) read(buf []byte, at int64) (int, error) {
	if v.f == nil {
		return 0, io.EOF
	}
	return v.f.ReadAt(buf, v.base+at)
}

func (v *view) close() {
	if v.f != nil {
		v.f.Close()
		v.f = nil
	}
}

// blankAt says whether a rotation left so many bytes blank there.
func (f *file) blankAt(at, n int64) bool {
	if n == 0 {
		return true
	}
	buf := make([]byte, n)
	if _, err := f.ReadAt(buf, at); err != nil && err != io.EOF {
		return false
	}
	return string(buf) == string(blank(n))
}

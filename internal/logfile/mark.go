package logfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// markSize is how much of the head a mark takes; less than any block, so that it is always taken out with what it is about.
const markSize = 256

const markForm = "\x00supd rotation: %s from %d to %d block %d\n"

// mark says that [from, to) of a log is in a file of its own, and that its blocks are to be taken out.
type mark struct {
	name     string // base name of the rotated file
	from, to int64
	block    int64
}

// cut is up to where whole blocks are taken out.
func (m mark) cut() int64 { return m.to / m.block * m.block }

func (m mark) text() []byte {
	text := fmt.Sprintf(markForm, m.name, m.from, m.to, m.block)
	return []byte(text + strings.Repeat("\x00", markSize-len(text)))
}

// readMark finds the mark of an interrupted rotation, and where its copy is. A service could write the same text: it counts
// only where the copy is there and has exactly the length that the mark says.
func (f *file) readMark(path string, head int64) (m mark, copied string, found bool) {
	buf := make([]byte, markSize)
	if n, err := f.ReadAt(buf, head); n < markSize || (err != nil && err != io.EOF) || buf[0] != 0 {
		return mark{}, "", false
	}
	if n, err := fmt.Sscanf(string(buf), markForm, &m.name, &m.from, &m.to, &m.block); n != 4 || err != nil {
		return mark{}, "", false
	}
	r, ok := parseName(filepath.Base(path), m.name)
	if !ok || m.from != head || m.block != f.block || m.cut() <= m.from {
		return mark{}, "", false
	}
	for _, at := range [...]string{filepath.Join(filepath.Dir(path), m.name), path + copySuffix} {
		if st, err := os.Lstat(at); err == nil && st.Mode().IsRegular() && st.Size()+r.Lost == m.to-m.from {
			return m, at, true
		}
	}
	return mark{}, "", false
}

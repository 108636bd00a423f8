package logfile

import (
	"bytes"
	"errors"
	"io"
)

// lineBytesMax is the longest line that a rotation keeps in one piece.
const lineBytesMax = 1 << 20

// cutBefore finds up to where a log is moved: the end of a line soon after a block's begin, so that little has to be
// blanked, and at least one block after head and one byte before size (a range that reaches the end of the file cannot
// be collapsed). A line that is longer than lineBytesMax is cut in two. head: there is nothing to move.
func (f *file) cutBefore(head, size int64) (int64, error) {
	first := head + f.block
	last := (size - 1) / f.block * f.block
	if last < first {
		return head, nil
	}
	for at := last; at >= first && last-at <= lineBytesMax; at -= f.block {
		// From the byte before: a line that ends exactly at the block's begin needs no blank.
		buf := make([]byte, min(f.block, size-at+1))
		n, err := f.ReadAt(buf, at-1)
		if err != nil && !errors.Is(err, io.EOF) {
			return head, err
		}
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i), nil
		}
	}
	return last, nil
}

// lineAfter is where the first line after at begins, at most limit. Unknown: at.
func (f *file) lineAfter(at, limit int64) int64 {
	buf := make([]byte, min(lineBytesMax, limit-at))
	n, _ := f.ReadAt(buf, at)
	if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
		return at + int64(i) + 1
	}
	return at
}

package logfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Follower reads what is appended to a log, across its rotations: each line once, also those that were moved into a rotated file
// before it came to them. For one goroutine.
type Follower struct {
	path string
	last string // stamp of the newest rotated file it knows
	at   int64  // position in the log
	info os.FileInfo
	part []byte // of a line that has no end yet
}

const chunkBytes = 256 << 10

// More gives some of what was appended since the last call, line by line, without their ends; each's error ends it. A log that is not
// there (yet) has nothing. more: there may be more already. A writer can be faster than any reader, so a call is bounded.
func (w *Follower) More(each func(line string) error) (more bool, err error) {
	n, err := w.chunk(each)
	return n > 0, err
}

// chunk reads on in the file that it is in, and gives how many bytes that were.
func (w *Follower) chunk(each func(string) error) (int, error) {
	for range viewTries {
		v, err := look(w.path)
		if err != nil {
			return 0, fmt.Errorf("cannot read the log: %w", err)
		}
		n, err, ok := w.step(&v, each)
		v.close()
		if ok {
			return n, err
		}
	}
	return 0, nil // rotated at each look; the next call goes on
}

// step reads one piece. Not ok: a rotation went on under it, and nothing was given.
func (w *Follower) step(v *view, each func(string) error) (int, error, bool) {
	if r, gone := w.behind(v); r != nil {
		n, err := w.fromRotated(v, r, gone, each)
		return n, err, true
	}
	if v.f == nil {
		return 0, nil, true
	}
	w.sameFile(v)
	w.at = max(w.at, v.skip)
	buf := make([]byte, min(chunkBytes, max(v.size-w.at, 0)))
	n, err := v.read(buf, w.at)
	if err != nil && err != io.EOF {
		return 0, fmt.Errorf("cannot read the log: %w", err), true
	}
	if !v.holds(w.path) {
		return 0, nil, false
	}
	w.at += int64(n)
	return n, w.give(buf[:n], each), true
}

// behind finds the rotated file in which it has to read on: the first that it does not know. gone: one in between was removed already.
func (w *Follower) behind(v *view) (r *Rotated, gone bool) {
	known := w.last == ""
	for i := range v.rotated {
		switch {
		case v.rotated[i].Stamp == w.last:
			known = true
		case v.rotated[i].Stamp > w.last:
			return &v.rotated[i], !known && i == 0
		}
	}
	return nil, false
}

// fromRotated reads the rest of what was the log when it last looked, and moves its position to where that is now.
func (w *Follower) fromRotated(v *view, r *Rotated, gone bool, each func(string) error) (int, error) {
	at := w.at
	if gone {
		at = 0 // what was removed cannot be counted
	}
	block := int64(blockLeast)
	if v.f != nil {
		block = v.f.block
	}
	f, err := os.Open(r.Path)
	if os.IsNotExist(err) { // renamed or removed since; the next look knows
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the log: %w", err)
	}
	defer f.Close()
	if err := r.stat(); err != nil {
		return 1, nil // the next look knows
	}
	buf := make([]byte, chunkBytes)
	for at < r.span() {
		n, err := f.ReadAt(buf, max(at-r.Lost, 0))
		if n == 0 {
			if err != io.EOF {
				return 0, fmt.Errorf("cannot read the log: %w", err)
			}
			break
		}
		at = max(at, r.Lost) + int64(n)
		if err := w.give(buf[:n], each); err != nil {
			return n, err
		}
	}
	w.last, w.at = r.Stamp, max(at-r.span()/block*block, r.span()%block)
	if r.Stamp == v.last() && r.span()%block != 0 && v.skip == 0 {
		w.at = 0 // emptied, not collapsed
	}
	return 1, nil
}

// sameFile begins anew in a log that was replaced or emptied by somebody else.
func (w *Follower) sameFile(v *view) {
	info, err := v.f.Stat()
	if err != nil {
		return
	}
	if w.info != nil && !os.SameFile(w.info, info) || w.at > v.size {
		w.at, w.part = 0, nil
	}
	w.info = info
}

// give hands out whole lines, and keeps what has no end yet: at most lineBytesMax, then it is given in pieces.
func (w *Follower) give(b []byte, each func(string) error) error {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		line := string(append(w.part, b[:i]...))
		w.part, b = nil, b[i+1:]
		if err := each(line); err != nil {
			return err
		}
	}
	if w.part = append(w.part, b...); len(w.part) < lineBytesMax {
		return nil
	}
	line := string(w.part)
	w.part = nil
	return each(line)
}

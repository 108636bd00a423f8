package logfile

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// TailBytesMax bounds what is read for the newest lines; older ones are in the files.
const TailBytesMax = 16 << 20

// Tail reads the newest n lines (n < 0: all that fit into TailBytesMax) of a log and its rotated files, oldest first, and gives who goes on
// behind them. A log that is not there has none.
func Tail(path string, n int) ([]string, *Follower, error) {
	for try := 0; ; try++ {
		lines, w, ok, err := tail(path, n)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read the log: %w", err)
		}
		if ok || try == viewTries {
			return lines, w, nil
		}
	}
}

// tail is not ok when a rotation went on under it.
func tail(path string, n int) ([]string, *Follower, bool, error) {
	v, err := look(path)
	if err != nil {
		return nil, nil, false, err
	}
	defer v.close()
	w := &Follower{path: path, last: v.last()}
	var text string
	if v.f != nil {
		from := max(v.skip, v.size-TailBytesMax)
		b, err := io.ReadAll(io.NewSectionReader(v.f, v.base+from, max(v.size-from, 0)))
		if err != nil {
			return nil, nil, false, err
		}
		text = string(b)
		cut := strings.LastIndexByte(text, '\n') + 1 // an unfinished line comes to who goes on
		text, w.at = text[:cut], max(from, v.skip)+int64(cut)
		if from > v.skip {
			text = text[strings.IndexByte(text, '\n')+1:] // begins in the middle
		}
		w.info, _ = v.f.Stat()
	}
	for i := len(v.rotated) - 1; i >= 0 && (n < 0 || strings.Count(text, "\n") < n) && len(text) < TailBytesMax; i-- {
		older, err := lastBytes(v.rotated[i].Path, int64(TailBytesMax-len(text)))
		if os.IsNotExist(err) {
			return nil, nil, false, nil
		}
		if err != nil {
			return nil, nil, false, err
		}
		text = older + text
	}
	if !v.holds(path) {
		return nil, nil, false, nil
	}
	return lastLines(text, n), w, true, nil
}

// lastBytes is the end of a file, from the begin of a line.
func lastBytes(path string, n int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	from := max(st.Size()-n, 0)
	b, err := io.ReadAll(io.NewSectionReader(f, from, st.Size()-from))
	text := string(b)
	if from > 0 {
		return text[strings.IndexByte(text, '\n')+1:], err
	}
	return unblanked(text), err
}

// unblanked is text without what the rotation before left blank at its head: a line of spaces.
func unblanked(text string) string {
	if rest := strings.TrimLeft(text, " "); strings.HasPrefix(rest, "\n") {
		return rest[1:]
	}
	return text
}

func lastLines(text string, n int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if n >= 0 && len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return lines
}

package logfile

import (
	"context"
	"fmt"
	"time"
)

// TimelessError: what was written since a time cannot be told, because no line of a log says when it was written.
type TimelessError struct{ Path string }

func (e *TimelessError) Error() string {
	return fmt.Sprintf("--since needs lines that begin with a time, and none of %s does; use -n", e.Path)
}

// TailSince is Tail of what was written at or after a time; a zero one asks for no time. n < 0: all that fits into TailBytesMax. *TimelessError
// where the lines have no times.
func TailSince(path string, n int, since time.Time) ([]string, *Follower, error) {
	if since.IsZero() {
		return Tail(path, n)
	}
	lines, follow, err := Tail(path, -1)
	if err != nil {
		return nil, nil, err
	}
	newer, known := Since(lines, since)
	if !known {
		return nil, nil, &TimelessError{path}
	}
	if n >= 0 && len(newer) > n {
		newer = newer[len(newer)-n:]
	}
	return newer, follow, nil
}

// followLook is how often a followed log is looked at for more.
const followLook = 200 * time.Millisecond

// Run gives what is written, line by line, until ctx ends (nil) or each fails.
func (w *Follower) Run(ctx context.Context, each func(line string) error) error {
	look := time.NewTicker(followLook)
	defer look.Stop()
	for {
		more, err := w.More(each)
		if err != nil {
			return err
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

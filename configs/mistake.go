package configs

import (
	"fmt"
	"strings"
)

// Mistake is one thing wrong with a config, and where.
type Mistake struct {
	File string // as the user named it; includes by their path
	Line int    // 0: the file as a whole
	Text string // `service "db": check "ping": timeout 30s must be shorter than every 10s`
}

// String gives FILE:LINE: TEXT.
func (m Mistake) String() string {
	if m.Line == 0 {
		return m.File + ": " + m.Text
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
}

// Mistakes are all mistakes of a config: the main file's by line, then each
// include's.
type Mistakes []Mistake

// Error is one mistake per line, so that Mistakes serve as an error.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there are no mistakes: a nil Mistakes in an error interface
// would not be nil.
func (ms Mistakes) Err() error {
	if len(ms) == 0 {
		return nil
	}
	return ms
}

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

// Error is the first mistake and how many there are, on one line: who has room for all of them ranges over them.
func (ms Mistakes) Error() string {
	switch len(ms) {
	case 0:
		return "no mistakes"
	case 1:
		return ms[0].String()
	}
	return fmt.Sprintf("%s (and %d more: supctl config check lists them)", ms[0], len(ms)-1)
}

// Err is nil when there are no mistakes: a nil Mistakes in an error interface
// would not be nil.
func (ms Mistakes) Err() error {
	if len(ms) == 0 {
		return nil
	}
	return ms
}

// Text is all of them, each on a line of its own.
func (ms Mistakes) Text() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

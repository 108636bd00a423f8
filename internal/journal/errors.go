package journal

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed: the journal has been closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrSlow: a follower was overtaken; it may begin again where it was.
	ErrSlow = errors.New("too slow: events came faster than they were taken")
)

// BusyError: another process has the database open.
type BusyError struct{ Path string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot open journal %q: another process has it open", e.Path)
}

// DamagedError: the file is no database that can be trusted.
type DamagedError struct {
	Path string
	Why  string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("journal %q is damaged: %s", e.Path, e.Why) }

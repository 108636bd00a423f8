package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	logLinesMax  = 1024            // that may wait for a reader that is slow or stopped
	logCloseWait = 2 * time.Second // for what still waits when supd ends
)

// logQueue keeps a stopped terminal, or a journal that hangs, from stopping supd: lines wait in a bounded queue, and what
// does not fit is counted and said later.
type logQueue struct {
	lines chan []byte
	done  chan struct{}

	mu     sync.Mutex
	lost   int
	closed bool
}

func newLogQueue(w io.Writer) *logQueue {
	q := &logQueue{lines: make(chan []byte, logLinesMax), done: make(chan struct{})}
	go func() {
		defer close(q.done)
		for line := range q.lines {
			// An error means that nobody can read the log, and so nobody could be told.
			_, _ = w.Write(line)
			if n := q.takeLost(); n > 0 {
				fmt.Fprintf(w, "(%d log lines lost: nobody read them in time; supctl events has the record)\n", n)
			}
		}
	}()
	return q
}

// Write takes one line. It never blocks and never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		select {
		case q.lines <- append([]byte(nil), line...):
		default:
			q.lost++
		}
	}
	return len(line), nil
}

func (q *logQueue) takeLost() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.lost
	q.lost = 0
	return n
}

// Close waits for what is still to be written, at most logCloseWait.
func (q *logQueue) Close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.lines)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(logCloseWait):
	}
}

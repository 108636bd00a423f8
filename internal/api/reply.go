package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// lineWriteMax is how long a client may take to read what it asked for before
// it is given up.
const lineWriteMax = 10 * time.Second

// The envelopes of a long call's lines and of errors.
type (
	acceptedLine struct {
		Accepted bool `json:"accepted"`
	}
	progressLine struct {
		Progress string `json:"progress"`
	}
	noticesLine struct {
		Notices []Notice `json:"notices"`
	}
	resultLine struct {
		Result any `json:"result"`
	}
	errorLine struct {
		Error *Error `json:"error"`
	}
)

// replyError writes err as a whole answer.
func replyError(w http.ResponseWriter, err error) {
	e := asError(err)
	replyStatus(w, httpStatus(e.Code), e)
}

func replyStatus(w http.ResponseWriter, status int, e *Error) {
	limitWrite(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(errorLine{e}) // the client is gone: nobody to tell
}

func replyJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(WithLists(v))
	if err != nil {
		replyError(w, err)
		return
	}
	limitWrite(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	_, _ = w.Write(b)
	_, _ = w.Write([]byte{'\n'}) // by itself: the answer may be megabytes
}

// limitWrite starts the time for what is written next. Not every writer has a
// deadline (tests).
func limitWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(lineWriteMax))
}

// asError gives every error the exit code it has or deserves.
func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return Errorf(CodeUnreachable, "supd is stopping")
	}
	return Errorf(CodeFailed, "%v", err)
}

// lineWriter sends JSON documents one per line, each at once. Safe for use from
// several goroutines; after close, or after a write that failed, it sends
// nothing more.
type lineWriter struct {
	mu   sync.Mutex
	w    http.ResponseWriter
	done bool
}

func newLineWriter(w http.ResponseWriter) *lineWriter {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lineWriter{w: w}
}

var errGone = errors.New("the client is gone")

// begin sends the header alone, a follower's sign of life.
func (l *lineWriter) begin() error { return l.flushed(nil) }

func (l *lineWriter) send(v any) error {
	b, err := json.Marshal(WithLists(v))
	if err != nil {
		return err
	}
	return l.flushed(append(b, '\n'))
}

func (l *lineWriter) flushed(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return errGone
	}
	limitWrite(l.w)
	if b != nil {
		if _, err := l.w.Write(b); err != nil {
			l.done = true
			return errGone
		}
	}
	if err := http.NewResponseController(l.w).Flush(); err != nil {
		l.done = true
		return errGone
	}
	return nil
}

func (l *lineWriter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
}

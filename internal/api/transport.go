package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sys/unix"
)

// NotReachableError: nobody listens on the socket.
type NotReachableError struct {
	Socket string
	Cause  error
}

func (e *NotReachableError) Error() string {
	return fmt.Sprintf("cannot reach supd on %q: %v", e.Socket, e.Cause)
}
func (e *NotReachableError) Unwrap() error { return e.Cause }

// NotAnsweringError: somebody listens, but gave no sign of life in time.
type NotAnsweringError struct {
	Socket string
	After  time.Duration
}

func (e *NotAnsweringError) Error() string {
	return fmt.Sprintf("supd on %q does not answer (waited %v): it hangs or is stopped", e.Socket, e.After)
}

// BrokenError: the daemon went away before its answer was complete. It may have
// done what was asked, or a part of it.
type BrokenError struct {
	Socket string
	Cause  error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("supd on %q went away before it had answered: %v", e.Socket, e.Cause)
}
func (e *BrokenError) Unwrap() error { return e.Cause }

// IsUnreachable tells whether err means that no daemon answered to the end: it
// is not there, hangs, is stopping, or died on the way. What is known by an id of the
// client's own choosing may then be done directly.
func IsUnreachable(err error) bool {
	var (
		reach  *NotReachableError
		answer *NotAnsweringError
		broken *BrokenError
		said   *Error
	)
	if errors.As(err, &said) {
		return said.Code == CodeUnreachable
	}
	return errors.As(err, &reach) || errors.As(err, &answer) || errors.As(err, &broken)
}

// answer is an open reply: its first byte or header has been seen.
type answer struct {
	c      *Client
	ctx    context.Context
	body   io.ReadCloser
	length int64 // of body, -1 if it was not said
	dec    *json.Decoder
	close  func()
}

// ask sends a request and waits for the first sign of life. firstLine says that
// this is the first line of the body and not the header.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values, in any, firstLine bool) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	silent := &NotAnsweringError{c.socket, c.patience}
	alarm := time.AfterFunc(c.patience, func() { cancel(silent) })
	fail := func(err error) error {
		alarm.Stop()
		err = c.explain(ctx, err, silent)
		cancel(nil)
		return err
	}
	req, err := newRequest(ctx, method, path, query, in)
	if err != nil {
		return nil, fail(err)
	}
	if firstLine && c.notices != nil {
		req.Header.Set(noticesHeader, "1")
	}
	// A connection of its own: nothing stays open behind supctl's back, and a
	// daemon that was replaced is never asked through a dead connection.
	t := &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: c.dial}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return nil, fail(err)
	}
	a := &answer{c: c, ctx: ctx, body: resp.Body, length: resp.ContentLength, dec: json.NewDecoder(resp.Body)}
	a.close = func() { resp.Body.Close(); cancel(nil) }
	if resp.StatusCode != http.StatusOK {
		defer a.close()
		alarm.Stop()
		return nil, a.refusal(resp.StatusCode)
	}
	if firstLine {
		var l acceptedLine
		if err := a.dec.Decode(&l); err != nil {
			resp.Body.Close()
			return nil, fail(err)
		}
	}
	alarm.Stop()
	return a, nil
}

func newRequest(ctx context.Context, method, path string, query url.Values, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	u := "http://supd" + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err == nil && in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// dialError keeps failures to connect apart from those after it.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, dialError{err}
	}
	return conn, nil
}

// explain gives a failure before the first sign of life its type. A daemon that
// broke the connection without a word did not take the request on.
func (c *Client) explain(ctx context.Context, err error, silent *NotAnsweringError) error {
	cause := context.Cause(ctx)
	var dial dialError
	switch {
	case cause != nil && errors.Is(cause, silent):
		return silent
	case cause != nil:
		return cause
	case errors.As(err, &dial) && errors.Is(err, unix.EAGAIN): // its queue is full
		return &NotAnsweringError{c.socket, 0}
	case errors.As(err, &dial):
		return &NotReachableError{c.socket, reason(dial.error)}
	}
	return &NotReachableError{c.socket, reason(err)}
}

// reason is the innermost cause: "connect: connection refused" says it all.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it closed the connection")
	}
	return err
}

// refusal reads the error of an answer that is not a success.
func (a *answer) refusal(status int) error {
	var e errorLine
	if err := a.dec.Decode(&e); err != nil || e.Error == nil {
		return Errorf(CodeFailed, "supd on %q answers HTTP %d without saying why", a.c.socket, status)
	}
	return e.Error
}

// next reads the next document into v.
func (a *answer) next(v any) error {
	return a.broken(a.dec.Decode(v))
}

// all is the whole of an answer, in place of next.
func (a *answer) all() ([]byte, error) {
	const roomMax = 64 << 20 // what is promised is not believed for more
	text := bytes.NewBuffer(make([]byte, 0, bytes.MinRead+min(max(a.length, 0), roomMax)))
	_, err := text.ReadFrom(a.body)
	return text.Bytes(), a.broken(err)
}

// broken says why an answer could not be read to its end.
func (a *answer) broken(err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(a.ctx); cause != nil {
		return cause
	}
	return &BrokenError{a.c.socket, reason(err)}
}

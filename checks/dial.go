package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// address is where a peer listens: "HOST:PORT" or "unix:/PATH".
type address struct{ network, addr string }

// parseAddress reads either form; the error goes on after the key's name.
func parseAddress(text string) (address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return address{}, fmt.Errorf("%q needs an absolute path behind unix:", clip(text, quotedMax))
		}
		return address{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return address{}, fmt.Errorf(`%q must be "HOST:PORT" or "unix:/PATH"`, clip(text, quotedMax))
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return address{}, fmt.Errorf("%q has no port between 1 and 65535", clip(text, quotedMax))
	}
	return address{"tcp", text}, nil
}

func (a address) String() string {
	if a.network == "unix" {
		return "unix:" + a.addr
	}
	return a.addr
}

// peer is a connection whose every call ends when its context does.
type peer struct {
	net.Conn
	stop func() bool
}

// dial connects. All the peer does, or does not do, from then on is bounded by ctx.
func dial(ctx context.Context, a address) (*peer, error) {
	// Go's own resolver obeys ctx; the C library's would keep a thread until it gives up by itself.
	d := net.Dialer{KeepAlive: -1, Resolver: &net.Resolver{PreferGo: true}}
	conn, err := d.DialContext(ctx, a.network, a.addr)
	if err != nil {
		return nil, err
	}
	// The deadline bounds every read and write; the function breaks them off when ctx is cancelled before.
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return &peer{Conn: conn, stop: stop}, nil
}

// Close gives the descriptor back and forgets ctx.
func (p *peer) Close() error {
	p.stop()
	return p.Conn.Close()
}

// canceled is the result of a look that was broken off from outside: no verdict about the peer.
func canceled(ctx context.Context) (Result, bool) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return Result{}, false
	}
	return Unclear("the look was broken off"), true
}

// failed is the result of an exchange that ended in err: doing says what was tried ("connect to 127.0.0.1:80").
func failed(ctx context.Context, begin time.Time, doing string, err error) Result {
	if r, ok := canceled(ctx); ok {
		return r
	}
	if timedOut(ctx, err) {
		return Fail("cannot %s: no answer within %s", doing, secondsText(time.Since(begin).Seconds()))
	}
	return Fail("cannot %s: %s", doing, cause(err))
}

// timedOut: ctx's own end may be seen a moment after the connection's deadline, which is the same one.
func timedOut(ctx context.Context, err error) bool {
	var ne net.Error
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}

// cause drops what package net says around the reason; the caller names the peer itself.
func cause(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Sprintf("name %q: %s", dns.Name, dns.Err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it closes the connection too early"
	}
	// "dial tcp 127.0.0.1:80: connect: connection refused" says everything twice but its last words.
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

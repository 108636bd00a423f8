package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// newLogger logs to w. Under systemd, whose JOURNAL_STREAM says that standard error is the journal's, each line starts with
// its priority (sd-daemon(3)) and the journal keeps the time; elsewhere it is a plain line with the time.
func newLogger(w io.Writer) *slog.Logger {
	journal := os.Getenv("JOURNAL_STREAM") != ""
	h := &lineHandler{mu: &sync.Mutex{}, w: w, journal: journal}
	h.inner = slog.NewTextHandler(&h.buf, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if journal && len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(h)
}

// lineHandler puts the journal's priority before slog's text line. slog writes a line with one Write, but the prefix must
// be in that same write or two lines could mix; hence the buffer.
type lineHandler struct {
	mu      *sync.Mutex
	w       io.Writer
	buf     bytes.Buffer
	inner   slog.Handler
	journal bool
}

func (h *lineHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf.Reset()
	if h.journal {
		fmt.Fprintf(&h.buf, "<%d>", priority(r.Level))
	}
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	_, err := h.w.Write(h.buf.Bytes())
	return err
}

func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lineHandler) WithGroup(string) slog.Handler      { return h }

// priority is the syslog priority of a level (syslog(3)).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// stuck is a terminal on which somebody pressed Ctrl-S: Write returns when released.
type stuck struct {
	release chan struct{}
	buf     bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	return s.buf.Write(p)
}

func TestLogReaderThatHangsStopsNobody(t *testing.T) {
	w := &stuck{release: make(chan struct{})}
	q := newLogQueue(w)
	for range 3 * logLinesMax {
		if n, err := io.WriteString(q, "line\n"); n != 5 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	close(w.release)
	q.Close()
	text := w.buf.String()
	if !strings.Contains(text, "log lines lost") {
		t.Error("the loss is not said")
	}
	if n := strings.Count(text, "line\n"); n < logLinesMax || n > logLinesMax+2 {
		t.Errorf("%d lines written, want about %d", n, logLinesMax)
	}
}

func TestLogLinesComeInOrderBeforeTheEnd(t *testing.T) {
	var buf bytes.Buffer
	q := newLogQueue(&buf)
	log := newLogger(q)
	log.Info("first", "service", "db")
	log.Warn("second")
	q.Close()
	log.Info("after the end") // must not panic
	first, second := strings.Index(buf.String(), "first"), strings.Index(buf.String(), "second")
	if first < 0 || second < first {
		t.Errorf("log = %q", buf.String())
	}
}

func TestLogForTheJournalStartsWithItsPriority(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1")
	var buf bytes.Buffer
	log := newLogger(&buf)
	log.Error("bad")
	if !strings.HasPrefix(buf.String(), "<3>msg=bad") {
		t.Errorf("log = %q", buf.String())
	}
}

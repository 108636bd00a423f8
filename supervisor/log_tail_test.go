package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/supd/supd/internal/api"
)

func TestLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	for _, c := range []struct {
		name, text string
		n          int
		want       []string
		at         int64
	}{
		{"the newest two", "a\nb\nc\n", 2, []string{"b", "c"}, 6},
		{"all there is", "a\nb\n", -1, []string{"a", "b"}, 4},
		{"an unfinished line comes later", "a\nhalf", 5, []string{"a"}, 2},
		{"only an unfinished line", "half", 5, nil, 0},
		{"an empty file", "", 5, nil, 0},
		{"an empty line is a line", "a\n\n", 5, []string{"a", ""}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			lines, at, err := lastLines(path, c.n)
			if err != nil || !slices.Equal(lines, c.want) || at != c.at {
				t.Errorf("lastLines = %q, %d, %v; want %q, %d", lines, at, err, c.want, c.at)
			}
		})
	}
	if lines, at, err := lastLines(filepath.Join(t.TempDir(), "none.log"), 5); lines != nil || at != 0 || err != nil {
		t.Errorf("a log that is not there: %q, %d, %v", lines, at, err)
	}
}

func TestLastLinesReadsOnlyTheEndOfALargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.log")
	line := strings.Repeat("x", 1023) + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 2*tailBytesMax/len(line))), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, at, err := lastLines(path, -1)
	if err != nil || at != 2*tailBytesMax {
		t.Fatalf("at %d, %v", at, err)
	}
	if n := len(lines); n < tailBytesMax/len(line)-1 || n > tailBytesMax/len(line) {
		t.Errorf("%d lines from the last %d bytes", n, tailBytesMax)
	}
	for _, l := range lines {
		if len(l) != 1023 {
			t.Fatalf("a line that was cut is shown: %d bytes", len(l))
		}
	}
}

func TestNewLinesFollowsAppendAndTruncation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	var got []string
	each := func(l api.LogLine) error { got = append(got, l.Text); return nil }
	write := func(text string, flag int) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	look := func(at int64) int64 {
		next, err := newLines(path, at, each)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	at := look(0) // not there yet
	write("one\ntw", os.O_APPEND)
	at = look(at)
	write("o\n", os.O_APPEND)
	at = look(at)
	write("anew\n", os.O_TRUNC)
	look(at)
	if want := []string{"one", "two", "anew"}; !slices.Equal(got, want) {
		t.Errorf("followed %q, want %q", got, want)
	}
}

func TestJournalLineReadsTextAndBytes(t *testing.T) {
	l, ok := journalLine(`{"__REALTIME_TIMESTAMP":"1700000000000001","_PID":"42","MESSAGE":"hello"}`)
	if !ok || l.Text != "hello" || l.PID != 42 || l.Time == nil || l.Time.UnixMicro() != 1700000000000001 {
		t.Errorf("text: %+v, %v", l, ok)
	}
	if l, ok := journalLine(`{"MESSAGE":[104,255]}`); !ok || l.Text != "h\xff" {
		t.Errorf("bytes: %+v, %v", l, ok)
	}
	for _, bad := range []string{"", "{", `{"MESSAGE":7}`} {
		if l, ok := journalLine(bad); ok {
			t.Errorf("%q was read as %+v", bad, l)
		}
	}
}

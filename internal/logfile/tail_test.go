package logfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
			lines, w, err := Tail(path, c.n)
			must(t, err)
			at := w.at
			if err != nil || !slices.Equal(lines, c.want) || at != c.at {
				t.Errorf("Tail = %q, %d, %v; want %q, %d", lines, at, err, c.want, c.at)
			}
		})
	}
	if lines, w, err := Tail(filepath.Join(t.TempDir(), "none.log"), 5); lines != nil || err != nil || w.at != 0 {
		t.Errorf("a log that is not there: %q, %v", lines, err)
	}
}

func TestLastLinesReadsOnlyTheEndOfALargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.log")
	line := strings.Repeat("x", 1023) + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 2*TailBytesMax/len(line))), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, w, err := Tail(path, -1)
	must(t, err)
	at := w.at
	if err != nil || at != 2*TailBytesMax {
		t.Fatalf("at %d, %v", at, err)
	}
	if n := len(lines); n < TailBytesMax/len(line)-1 || n > TailBytesMax/len(line) {
		t.Errorf("%d lines from the last %d bytes", n, TailBytesMax)
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
	each := func(l string) error { got = append(got, l); return nil }
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
	_, w, err := Tail(path, 0) // not there yet
	must(t, err)
	write("one\ntw", os.O_APPEND)
	all(t, w, each)
	write("o\n", os.O_APPEND)
	all(t, w, each)
	write("anew\n", os.O_TRUNC)
	all(t, w, each)
	if want := []string{"one", "two", "anew"}; !slices.Equal(got, want) {
		t.Errorf("followed %q, want %q", got, want)
	}
}

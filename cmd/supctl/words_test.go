package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/harmless"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ümläut, 漢字":   "plain, ümläut, 漢字",
		"\x1b[2Jgone":         `\x1b[2Jgone`,
		"two\nlines\tand tab": `two\nlines\tand tab`,
		"bell\a del\x7f":      `bell\x07 del\x7f`,
		"csi\u009b31m":        `csi\u009b31m`,
		"right\u202eleft":     `right\u202eleft`,
		"zero\u200bwidth":     `zero\u200bwidth`,
		"tag\U000e0041":       `tag\U000e0041`,
		"bad\xffutf8":         `bad\xffutf8`,
		"honest \ufffd":       "honest \ufffd",
		`back\slash stays as`: `back\slash stays as`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := cleanText("a\tb\x1b\nc\n"); got != "a\tb\\x1b\nc" {
		t.Errorf("cleanText: %q", got)
	}
}

// What is written as JSON means the same, and has nothing a terminal acts on.
func FuzzCleanJSON(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "\u009b31m\u202e", "\U000e0041\U0001f600", "\xff\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got, want string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		raw, _ := json.Marshal(s)
		if err := json.Unmarshal(raw, &want); err != nil || got != want {
			t.Errorf("%q became %q", want, got)
		}
		if i := strings.IndexFunc(string(b), harmless.ActedOn); i >= 0 {
			t.Errorf("harmful byte at %d in %q", i, b)
		}
		if i := strings.IndexFunc(clean(s), harmless.ActedOn); i >= 0 {
			t.Errorf("clean(%q) = %q", s, clean(s))
		}
	})
}

func TestTableAligns(t *testing.T) {
	tb := table{head: []string{"NAME", "STATE", "WHY"}}
	tb.add("ümläut", "up", "")
	tb.add("b", "starting", "evil\nline")
	var b bytes.Buffer
	if err := tb.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "NAME    STATE     WHY\nümläut  up\nb       starting  evil\\nline\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	tb.colour = true
	tb.rows = nil
	tb.addCells(cell{"a", red}, cell{text: "x"})
	b.Reset()
	tb.write(&b)
	if !strings.Contains(b.String(), "\x1b[31ma\x1b[0m     x") {
		t.Errorf("colour moves the columns: %q", b.String())
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "2h": 2 * time.Hour, "3d": 72 * time.Hour, "1h30m": 90 * time.Minute, "100ms": 100 * time.Millisecond, "1.5h": 90 * time.Minute, "0s": 0,
	} {
		var got duration
		if err := got.Set(in); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v", in, time.Duration(got), err)
		}
	}
	for _, in := range []string{"", "10", "m", "1w", "-5m", "1h 30m", "999999999d", "."} {
		var got duration
		if err := got.Set(in); err == nil {
			t.Errorf("%q was read as %v", in, time.Duration(got))
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s", time.Hour: "1h", 25 * time.Hour: "1d1h", 100 * 24 * time.Hour: "100d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	now := func() time.Time { return at }
	for in, want := range map[string]time.Time{
		"10m": at.Add(-10 * time.Minute), "2026-02-28T10:00:00+01:00": time.Date(2026, 2, 28, 9, 0, 0, 0, time.UTC), "2026-02-28 10:00": time.Date(2026, 2, 28, 10, 0, 0, 0, time.Local),
	} {
		m := moment{now: now}
		if err := m.Set(in); err != nil || !m.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", in, m.Time, err, want)
		}
	}
	if err := (&moment{now: now}).Set("yesterday"); err == nil {
		t.Error("yesterday was read")
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"db": "db", "--for=2h": "--for=2h", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "@web": "@web"} {
		if got := api.ShellQuote(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestIsSignal(t *testing.T) {
	for s, want := range map[string]bool{
		"HUP": true, "SIGHUP": true, "USR1": true, "1": true, "64": true, "hup": false, "0": false, "65": false, "99": false, "100": false, "01": false, "": false, "web": false, "WEB": false, "SIG": false,
	} {
		if got := isSignal(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.0K", 3 << 20: "3.0M", 1<<64 - 1: "16.0E"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

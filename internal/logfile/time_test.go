package logfile

import (
	"strings"
	"testing"
	"time"
)

func TestTimeOfALine(t *testing.T) {
	want := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	local := want.Local().Format
	for _, line := range []string{
		"2026-03-04T05:06:07Z started", `time=2026-03-04T05:06:07.000Z level=INFO msg=x`, `time="2026-03-04T05:06:07Z" level=info`,
		`{"level":"info","ts":1772600767,"msg":"x"}`, `{"time":"2026-03-04T05:06:07Z"}`, "[2026-03-04T05:06:07+00:00] x",
		local("2006/01/02 15:04:05") + " x y z", local("2006-01-02 15:04:05,000") + " INFO x", "2026-03-04 05:06:07.000 UTC [12] LOG:  ready",
	} {
		if got, ok := Time(line); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "{", "started", "20 lines", "  at java.lang.Thread", "time=soon", `{"ts":5}`} {
		if got, ok := Time(line); ok {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestSinceKeepsWhatBelongsToALine(t *testing.T) {
	lines := []string{"2026-03-04T05:06:07Z a", "2026-03-04T05:06:09Z panic", "  at b", "2026-03-04T05:06:10Z c"}
	got, known := Since(lines, time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC))
	if !known || strings.Join(got, "|") != strings.Join(lines[1:], "|") {
		t.Errorf("%q %v", got, known)
	}
	if _, known := Since([]string{"x"}, time.Now()); known {
		t.Error("a line without a time has one")
	}
}

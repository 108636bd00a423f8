package checks

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		err  string
	}{
		{"90s", 90 * time.Second, ""},
		{"10m", 10 * time.Minute, ""},
		{"2h", 2 * time.Hour, ""},
		{"3d", 72 * time.Hour, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"1.5s", 1500 * time.Millisecond, ""},
		{"250ms", 250 * time.Millisecond, ""},
		{"0s", 0, ""},
		{"", 0, `is empty; write it such as "90s", "10m", "2h" or "3d"`},
		{"90", 0, `"90" has no unit; known: ms, s, m, h, d`},
		{"3w", 0, `"3w" has an unknown unit "w"; known: ms, s, m, h, d`},
		{"5 m", 0, `"5 m" has an unknown unit " m"; known: ms, s, m, h, d`},
		{"-1s", 0, `"-1s" is negative; write it such as "90s", "10m", "2h" or "3d"`},
		{"1.2.3s", 0, `"1.2.3s" is no duration; write it such as "90s", "10m", "2h" or "3d"`},
		{"999999999d", 0, `"999999999d" is longer than 292 years`},
	} {
		got, err := ParseDuration(c.text)
		if text := errText(err); got != c.want || text != c.err {
			t.Errorf("ParseDuration(%q) = %v, %q; want %v, %q", c.text, got, text, c.want, c.err)
		}
	}
}

func TestDurationIsWrittenAsItIsRead(t *testing.T) {
	for text, want := range map[string]string{
		"90s": "1m30s", "48h": "2d", "0s": "0s", "250ms": "250ms", "1d1h1m1s1ms": "1d1h1m1s1ms", "500us": "500us",
	} {
		d, err := ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Duration(d).String(); got != want {
			t.Errorf("%s is written %q, want %q", text, got, want)
		}
		if again, err := ParseDuration(want); err != nil || again != d {
			t.Errorf("%q is read as %v, %v; want %v", want, again, err, d)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

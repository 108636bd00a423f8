package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// durationUnits are the units of a config, longest first, so that formatting
// walks down them and "ms" is found before "m".
var durationUnits = [...]struct {
	name string
	d    time.Duration
}{{"d", day}, {"h", time.Hour}, {"ms", time.Millisecond}, {"m", time.Minute}, {"s", time.Second}}

// parseDuration reads "90s", "10m", "2h", "3d", "1h30m" or "100ms".
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%s is no duration; write it such as \"100ms\", \"90s\", \"10m\", \"2h\" or \"3d\"", quoteValue(text))
	total, rest := 0.0, text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[digits:]
		found := false
		for _, u := range durationUnits {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total, rest, found = total+n*float64(u.d), after, true
				break
			}
		}
		if !found && rest == "" {
			return 0, fmt.Errorf("%s lacks a unit; write \"%ss\", \"%sm\", \"%sh\" or \"%sd\"", quoteValue(text), text, text, text, text)
		}
		if !found {
			return 0, bad
		}
	}
	if text == "" || total >= math.MaxInt64 {
		return 0, bad
	}
	return time.Duration(math.Round(total)), nil
}

// formatDuration is the shortest text that parseDuration reads as d: "90s" stays
// below two minutes, as people write it.
func formatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d < 0:
		return "-" + formatDuration(-d)
	case d%time.Millisecond != 0:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
	case d < 2*time.Minute && d%time.Second == 0 && d != time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		d    time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.d; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.d
		}
	}
	return b.String()
}

package checks

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is written 90s, 10m, 2h, 3d or 1h30m: one or more numbers, each with its unit.
type Duration time.Duration

// durationUnits in the order in which messages name them.
var durationUnits = [...]struct {
	name string
	unit time.Duration
}{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// ParseDuration reads a duration that is not negative. The error names the units.
func ParseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New(`is empty; write it such as "90s", "10m", "2h" or "3d"`)
	}
	if strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf(`%q is negative; write it such as "90s", "10m", "2h" or "3d"`, clip(text, quotedMax))
	}
	var sum float64
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf(`%q is no duration; write it such as "90s", "10m", "2h" or "3d"`, clip(text, quotedMax))
		}
		rest = rest[digits:]
		unit, letters := unitOf(rest)
		switch {
		case rest == "":
			return 0, fmt.Errorf("%q has no unit; known: ms, s, m, h, d", clip(text, quotedMax))
		case unit == 0:
			return 0, fmt.Errorf("%q has an unknown unit %q; known: ms, s, m, h, d", clip(text, quotedMax), clip(rest[:letters], quotedMax))
		}
		rest = rest[letters:]
		sum += n * float64(unit)
	}
	if sum >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is longer than 292 years", clip(text, quotedMax))
	}
	return time.Duration(sum).Round(time.Microsecond), nil
}

// unitOf finds the unit that text begins with, and the length of the word there.
func unitOf(text string) (time.Duration, int) {
	letters := strings.IndexAny(text, "0123456789.")
	if letters < 0 {
		letters = len(text)
	}
	for _, u := range durationUnits {
		if u.name == text[:letters] {
			return u.unit, letters
		}
	}
	return 0, letters
}

// Std is the duration as package time has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the form that ParseDuration reads: "90s" stays "1m30s", two days are "2d".
func (d Duration) String() string {
	rest := time.Duration(d)
	if rest < time.Microsecond {
		return "0s"
	}
	var b strings.Builder
	for i := len(durationUnits) - 1; i >= 0; i-- {
		u := durationUnits[i]
		if n := rest / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			rest -= n * u.unit
		}
	}
	return b.String()
}

// MarshalText writes String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads with ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = Duration(v)
	return err
}

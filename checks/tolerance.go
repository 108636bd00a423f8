package checks

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Tolerance says how many looks it takes to believe a change: 3 (in a row), "3 of 5", or "2m" (all that time, seen at
// least twice). Exactly one form is set.
type Tolerance struct {
	Count int           // that many: in a row when Of is 0
	Of    int           // among the last Of looks
	For   time.Duration // that long without one look to the contrary
}

// toleranceLooksMax bounds "n of m": the last m looks are kept.
const toleranceLooksMax = 64

// IsZero says that nothing is set.
func (t Tolerance) IsZero() bool { return t == Tolerance{} }

// String writes the form that ParseTolerance reads.
func (t Tolerance) String() string {
	switch {
	case t.For > 0:
		return Duration(t.For).String()
	case t.Of > 0:
		return fmt.Sprintf("%d of %d", t.Count, t.Of)
	}
	return strconv.Itoa(t.Count)
}

// ParseTolerance reads "3", "3 of 5" or "2m".
func ParseTolerance(text string) (Tolerance, error) {
	count, of, window := strings.Cut(text, " of ")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !window {
		if err == nil {
			return inARow(int64(n))
		}
		d, err := ParseDuration(text)
		if err != nil || d == 0 {
			return Tolerance{}, fmt.Errorf(`%q is no tolerance; write 3 (in a row), "3 of 5" or "2m"`, clip(text, quotedMax))
		}
		return Tolerance{For: d}, nil
	}
	m, err2 := strconv.Atoi(strings.TrimSpace(of))
	if errors.Join(err, err2) != nil || n < 1 || m < n {
		return Tolerance{}, fmt.Errorf(`%q is no tolerance; write "n of m" with n at least 1 and at most m`, clip(text, quotedMax))
	}
	if m > toleranceLooksMax {
		return Tolerance{}, fmt.Errorf("%q looks further back than %d results", clip(text, quotedMax), toleranceLooksMax)
	}
	return Tolerance{Count: n, Of: m}, nil
}

// inARow makes the plain form.
func inARow(n int64) (Tolerance, error) {
	if n < 1 || n > math.MaxInt32 {
		return Tolerance{}, fmt.Errorf("must be at least 1, not %d", n)
	}
	return Tolerance{Count: int(n)}, nil
}

// MarshalText writes String.
func (t Tolerance) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalTOML reads a whole number or one of the texts.
func (t *Tolerance) UnmarshalTOML(v any) error {
	var err error
	switch v := v.(type) {
	case int64:
		*t, err = inARow(v)
	case string:
		*t, err = ParseTolerance(v)
	default:
		err = errors.New(`must be 3 (in a row), "3 of 5" or "2m"`)
	}
	return err
}

package checks

import (
	"fmt"
	"strconv"
	"strings"
)

// StatusSet is a set of numbers that a peer or a program may answer: 200, "200-299", or a list of both.
type StatusSet []StatusRange

// StatusRange is all numbers from Low to High.
type StatusRange struct{ Low, High int }

// statusMax is above every HTTP status and every exit status.
const statusMax = 999

// UnmarshalTOML reads a number, a range or a list of them.
func (s *StatusSet) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make(StatusSet, len(list))
	for i, elem := range list {
		text, ok := elem.(string)
		if n, isNumber := elem.(int64); isNumber {
			text, ok = strconv.FormatInt(n, 10), true
		}
		if !ok {
			return fmt.Errorf(`must be a number, a range such as "200-299", or a list of them`)
		}
		var err error
		if out[i], err = parseStatusRange(text); err != nil {
			return err
		}
	}
	*s = out
	return nil
}

// parseStatusRange reads one number or two with a dash between them.
func parseStatusRange(text string) (StatusRange, error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	low, err1 := strconv.Atoi(strings.TrimSpace(from))
	high, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err1 != nil || err2 != nil || low < 0 || high < low || high > statusMax {
		return StatusRange{}, fmt.Errorf(`%q is no status; write a number such as 200 or a range such as "200-299"`, clip(text, quotedMax))
	}
	return StatusRange{low, high}, nil
}

// Has says whether n is in the set.
func (s StatusSet) Has(n int) bool {
	for _, r := range s {
		if r.Low <= n && n <= r.High {
			return true
		}
	}
	return false
}

// text lists the set for a message.
func (s StatusSet) text() string {
	words := make([]string, len(s))
	for i, r := range s {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}

// String writes "200" or "200-299".
func (r StatusRange) String() string {
	if r.Low == r.High {
		return strconv.Itoa(r.Low)
	}
	return fmt.Sprintf("%d-%d", r.Low, r.High)
}

// MarshalText writes String.
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

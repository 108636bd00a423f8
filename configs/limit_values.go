package configs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/checks"
)

// Amount is a number of things, bytes or microseconds.
type Amount uint64

// Unlimited is RLIM_INFINITY.
const Unlimited Amount = math.MaxUint64

const microsPerSecond = 1_000_000

// in rounds up to the kernel's unit: a limit of no second would end the process at once.
func (a Amount) in(unit uint64) uint64 {
	if a == Unlimited || unit <= 1 {
		return uint64(a)
	}
	return (uint64(a) + unit - 1) / unit
}

// Rlimit is a limit of a process with the part that the process may raise it to.
type Rlimit struct {
	Soft, Hard Amount
	Set        bool
}

// CountLimit is written as a number, "SOFT:HARD" or "unlimited".
type CountLimit Rlimit

// SizeLimit is the same with sizes: "8M", "8M:unlimited". TimeLimit has durations.
type (
	SizeLimit Rlimit
	TimeLimit Rlimit
)

// UnmarshalTOML reads 1024, "1024:4096" or "unlimited".
func (l *CountLimit) UnmarshalTOML(v any) error {
	return (*Rlimit)(l).read(v, `1024, "1024:4096" or "unlimited"`, func(text string) (Amount, error) {
		n, err := strconv.ParseUint(text, 10, 63)
		return Amount(n), err
	})
}

// UnmarshalTOML reads "64M", "8M:unlimited" or 0.
func (l *SizeLimit) UnmarshalTOML(v any) error {
	return (*Rlimit)(l).read(v, `"64M", "8M:64M", "unlimited" or 0`, func(text string) (Amount, error) {
		n, err := checks.ParseSize(text)
		return Amount(n), err
	})
}

// UnmarshalTOML reads "10m", "10m:1h" or "unlimited".
func (l *TimeLimit) UnmarshalTOML(v any) error {
	return (*Rlimit)(l).read(v, `"10m", "10m:1h" or "unlimited"`, func(text string) (Amount, error) {
		d, err := checks.ParseDuration(text)
		return Amount(d / time.Microsecond), err
	})
}

// read takes SOFT:HARD apart; one value is both.
func (l *Rlimit) read(v any, want string, one func(string) (Amount, error)) error {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return fmt.Errorf("must be %s, not %s", want, showValue(v))
	}
	soft, hard, both := strings.Cut(text, ":")
	if !both {
		hard = soft
	}
	r := Rlimit{Set: true}
	for _, part := range [...]struct {
		text string
		into *Amount
	}{{soft, &r.Soft}, {hard, &r.Hard}} {
		if part.text == "unlimited" {
			*part.into = Unlimited
			continue
		}
		n, err := one(part.text)
		if err != nil {
			return fmt.Errorf("%s is no limit; write it such as %s", quoteValue(text), want)
		}
		*part.into = n
	}
	if r.Soft > r.Hard {
		return fmt.Errorf("%s has a soft limit above the hard one; write SOFT:HARD", quoteValue(text))
	}
	*l = r
	return nil
}

// text writes what read reads; "" for nothing said.
func (l Rlimit) text(one func(Amount) string) string {
	say := func(a Amount) string {
		if a == Unlimited {
			return "unlimited"
		}
		return one(a)
	}
	switch {
	case !l.Set:
		return ""
	case l.Soft == l.Hard:
		return say(l.Soft)
	}
	return say(l.Soft) + ":" + say(l.Hard)
}

// String is the form that UnmarshalTOML reads.
func (l CountLimit) String() string {
	return Rlimit(l).text(func(a Amount) string { return strconv.FormatUint(uint64(a), 10) })
}

// String is the form that UnmarshalTOML reads.
func (l SizeLimit) String() string {
	return Rlimit(l).text(func(a Amount) string { return Size(a).String() })
}

// String is the form that UnmarshalTOML reads.
func (l TimeLimit) String() string {
	return Rlimit(l).text(func(a Amount) string { return formatDuration(time.Duration(a) * time.Microsecond) })
}

// Size is a number of bytes, written with a unit: "512M".
type Size uint64

// UnmarshalTOML reads a size with its unit; a bare number is refused, programs differ in what they take it for.
func (s *Size) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		if n, isNumber := v.(int64); !isNumber || n != 0 {
			return fmt.Errorf("must be a size with its unit, such as \"512M\", not %s", showValue(v))
		}
		text = "0"
	}
	n, err := checks.ParseSize(text)
	if err != nil {
		return err
	}
	*s = Size(n)
	return nil
}

// String is the exact size in the largest unit that leaves a whole number.
func (s Size) String() string {
	const units = "KMGT"
	n, unit := uint64(s), "B"
	for i := 0; i < len(units) && n >= 1024 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	if n == 0 {
		return "0"
	}
	return strconv.FormatUint(n, 10) + unit
}

// digits is what a cgroup's file takes; "" for none.
func (s Size) digits() string {
	if s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(s), 10)
}

// Percent is written "150%"; 100 is one CPU.
type Percent uint

// UnmarshalTOML reads whole percents.
func (p *Percent) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	digits, isPercent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || !isPercent || err != nil || n == 0 {
		return errors.New(`must be a share of CPUs in percent, such as "150%" for one and a half`)
	}
	*p = Percent(n)
	return nil
}

// String is the form that UnmarshalTOML reads.
func (p Percent) String() string {
	if p == 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", uint(p))
}

package checks

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Cron is a line of five fields as crontab(5) has them: minute, hour, day of the month, month, day of the week. Times are
// local. When both days are restricted, either one suffices.
type Cron struct {
	text                           string
	minute, hour, day, month, week uint64 // bit n: the value n is in it
	dayAny, weekAny                bool   // written *
	hourAny                        bool   // begins with *
}

// cronFields in their order; names count from low.
var cronFields = [...]struct {
	name      string
	low, high int
	names     string
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
	{"day of the week", 0, 7, "sun mon tue wed thu fri sat"},
}

// ParseCron reads the five fields.
func ParseCron(text string) (*Cron, error) {
	fields := strings.Fields(text)
	if len(fields) != len(cronFields) {
		return nil, fmt.Errorf(`%q has %d fields; a cron line has five: minute hour day month weekday`, clip(text, quotedMax), len(fields))
	}
	c := &Cron{text: strings.Join(fields, " "), dayAny: fields[2] == "*", weekAny: fields[4] == "*", hourAny: fields[1][0] == '*'}
	for i, into := range [...]*uint64{&c.minute, &c.hour, &c.day, &c.month, &c.week} {
		var err error
		if *into, err = cronField(i, fields[i]); err != nil {
			return nil, fmt.Errorf("%q: %w", clip(text, quotedMax), err)
		}
	}
	if c.week&(1<<7) != 0 { // 7 is Sunday too
		c.week |= 1
	}
	return c, nil
}

// cronField reads one field: a list of *, n, n-m, each with /step.
func cronField(i int, text string) (uint64, error) {
	f := cronFields[i]
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("step %q of the %s is no number above 0", clip(stepText, quotedMax), f.name)
			}
			step = n
		}
		low, high := f.low, f.high
		if span != "*" {
			from, to, isRange := strings.Cut(span, "-")
			var ok, ok2 bool
			low, ok = cronNumber(i, from)
			high, ok2 = low, true
			// 5/20 means from 5 to the end.
			if isRange {
				high, ok2 = cronNumber(i, to)
			} else if stepped {
				high = f.high
			}
			if !ok || !ok2 || low > high {
				return 0, fmt.Errorf("%q is no %s: %d to %d", clip(span, quotedMax), f.name, f.low, f.high)
			}
		}
		for n := low; n <= high; n += min(step, f.high+1) {
			set |= 1 << n
		}
	}
	return set, nil
}

// cronNumber reads a number of field i, or one of its names.
func cronNumber(i int, text string) (int, bool) {
	f := cronFields[i]
	for n, name := range strings.Fields(f.names) {
		if strings.EqualFold(name, text) {
			return n + f.low, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.low && n <= f.high
}

// String is the five fields.
func (c *Cron) String() string { return c.text }

// MarshalText writes String.
func (c *Cron) MarshalText() ([]byte, error) { return []byte(c.text), nil }

// Matches says whether the minute of t is one of the line's.
func (c *Cron) Matches(t time.Time) bool {
	return c.onDay(t) && c.hour>>t.Hour()&1 != 0 && c.minute>>t.Minute()&1 != 0
}

func (c *Cron) onDay(t time.Time) bool {
	day, week := c.day>>t.Day()&1 != 0, c.week>>t.Weekday()&1 != 0
	// crontab(5)'s old rule: 13 and friday means either, but a * beside one of them leaves the other alone to decide.
	if !c.dayAny && !c.weekAny {
		day, week = day || week, true
	}
	return c.month>>t.Month()&1 != 0 && day && week
}

// cronDaysMax is how far Next looks: the rarest date, a 29 February on one weekday, comes within 40 years.
const cronDaysMax = 40*366 + 1

// Next is the first matching minute after t; zero if there is none (30 February). An hour that the clock leaves out in
// spring is left out here too.
func (c *Cron) Next(t time.Time) time.Time {
	for i := range cronDaysMax {
		// Noon exists on every day; midnight does not.
		day := time.Date(t.Year(), t.Month(), t.Day()+i, 12, 0, 0, 0, t.Location())
		if c.onDay(day) {
			if at, ok := c.firstOn(day, t); ok {
				return at
			}
		}
	}
	return time.Time{}
}

// firstOn finds the first match on a day that is after t.
func (c *Cron) firstOn(day, t time.Time) (time.Time, bool) {
	for hours := c.hour; hours != 0; hours &= hours - 1 {
		h := bits.TrailingZeros64(hours)
		for left := c.minute; left != 0; left &= left - 1 {
			m := bits.TrailingZeros64(left)
			at := firstOfTwo(time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, t.Location()))
			if at.After(t) && at.Hour() == h && at.Minute() == m {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// firstOfTwo is the first time at which the clocks show what they show at t. In autumn there are two, and time.Date does not
// say which it gives.
func firstOfTwo(t time.Time) time.Time {
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t
	}
	_, before := begin.Add(-time.Second).Zone()
	_, after := t.Zone()
	if early := t.Add(-time.Duration(before-after) * time.Second); before > after && early.Before(begin) {
		return early
	}
	return t
}

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// durationUnits are how durations are written, longest name first, so that "ms"
// is not read as minutes.
var durationUnits = [...]struct {
	name string
	d    time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", day}}

// parseDuration reads 90s, 10m, 2h, 3d, 1h30m.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration; write it as 90s, 10m, 2h or 3d", text)
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
		if !found {
			return 0, bad
		}
	}
	if text == "" || total >= math.MaxInt64 {
		return 0, bad
	}
	return time.Duration(math.Round(total)), nil
}

// duration is a flag.
type duration time.Duration

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return age(time.Duration(*d))
}

func (d *duration) Set(s string) error {
	v, err := parseDuration(s)
	*d = duration(v)
	return err
}

func (d *duration) Type() string { return "duration" }

func (d *duration) seconds() float64 { return time.Duration(*d).Seconds() }

// moment is a flag for a point in time: a duration ago, or a date.
type moment struct {
	time.Time
	now func() time.Time
}

// momentForms are the forms of a date besides a duration ago.
var momentForms = [...]string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

func (m *moment) Set(s string) error {
	if d, err := parseDuration(s); err == nil {
		m.Time = m.now().Add(-d)
		return nil
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			m.Time = t
			return nil
		}
	}
	return fmt.Errorf(`%q is no time; write a duration such as 10m or 2h, or a date such as "2026-03-01 14:00"`, s)
}

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Type() string { return "time" }

// age writes a duration with its two largest units: 3d4h, 12m5s, 8s.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return pair(d, time.Minute, "m", time.Second, "s")
	case d < day:
		return pair(d, time.Hour, "h", time.Minute, "m")
	}
	return pair(d, day, "d", time.Hour, "h")
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d%s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		s += fmt.Sprintf("%d%s", rest, smallName)
	}
	return s
}

// clock writes a time for people: only the time of day for today.
func (a *app) clock(t time.Time) string {
	t, now := t.Local(), a.now().Local()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// since writes how long ago t was, "" for the zero time.
func (a *app) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return age(a.now().Sub(t))
}

package main

import (
	"fmt"
	"time"

	"github.com/supd/supd/checks"
)

// A day is 24 hours here, as in the config: clocks that are put back change no duration.
const day = 24 * time.Hour

// duration is a flag.
type duration time.Duration

// String is what help shows as the default, "" for none (pflag.Value).
func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return age(time.Duration(*d))
}

// Set reads what the config reads, so that people learn one form.
func (d *duration) Set(s string) error {
	v, err := checks.ParseDuration(s)
	*d = duration(v)
	return err
}

// Type is what help shows as the flag's argument.
func (d *duration) Type() string { return "duration" }

// seconds is the wire's form.
func (d *duration) seconds() float64 { return time.Duration(*d).Seconds() }

// moment is a flag for a point in time: a duration ago, or a date.
type moment struct {
	time.Time
	now func() time.Time
}

// momentForms are the forms of a date besides a duration ago.
var momentForms = [...]string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// Set takes a date without a zone for one of this place.
func (m *moment) Set(s string) error {
	if d, err := checks.ParseDuration(s); err == nil {
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

// String is "" when nothing was said (pflag.Value).
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type is what help shows as the flag's argument.
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

// pair leaves out a smaller unit that is zero.
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
	// Only the time of day for today: tables are read on the day, records are dated (writeEvent).
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

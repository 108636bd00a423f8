package checks

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Schedule is written "10s" or "cron: */5 * * * *". With Cron, Interval is 0.
type Schedule struct {
	Interval time.Duration
	Cron     *Cron
}

// UnmarshalText reads either form.
func (s *Schedule) UnmarshalText(text []byte) error {
	if fields, ok := strings.CutPrefix(string(text), "cron:"); ok {
		c, err := ParseCron(fields)
		*s = Schedule{Cron: c}
		return err
	}
	d, err := ParseDuration(string(text))
	*s = Schedule{Interval: d}
	return err
}

// String writes the form that UnmarshalText reads.
func (s Schedule) String() string {
	if s.Cron != nil {
		return "cron: " + s.Cron.String()
	}
	return Duration(s.Interval).String()
}

// MarshalText writes String.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// next is the first due time after now of something that was due at last. Whole periods that were missed are left out:
// after a machine slept there is one look, not a hundred.
func (s Schedule) next(last, now time.Time) time.Time {
	if s.Cron != nil {
		return s.Cron.NextRun(now)
	}
	due := last.Add(s.Interval)
	if missed := now.Sub(due); missed >= 0 {
		due = due.Add((missed/s.Interval + 1) * s.Interval)
	}
	return due
}

// Blackouts are times in which a check is not run: minutes that match any of the cron lines.
type Blackouts []*Cron

// UnmarshalTOML reads "cron: * 0-3 * * *" or a list of such texts; the word cron: may be left out.
func (b *Blackouts) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make(Blackouts, len(list))
	for i, elem := range list {
		text, ok := elem.(string)
		if !ok {
			return errors.New(`must be a text such as "cron: * 0-3 * * *", or a list of them`)
		}
		var err error
		if out[i], err = ParseCron(strings.TrimPrefix(text, "cron:")); err != nil {
			return err
		}
	}
	*b = out
	return nil
}

// holds says whether t lies in one of the blackouts.
func (b Blackouts) holds(t time.Time) bool {
	return slices.ContainsFunc(b, func(c *Cron) bool { return c.Matches(t) })
}

package configs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/supd/supd/checks"
)

// JobSchedule is when a job is run, written "cron: 0 3 * * *"; zero: by hand only, or as a prerequisite.
type JobSchedule struct{ Cron *checks.Cron }

// UnmarshalTOML reads the one form that there is. A period is none: it says nothing of when the first run would be.
func (s *JobSchedule) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("must be a string such as \"cron: 0 3 * * *\", not %s", showValue(v))
	}
	fields, ok := strings.CutPrefix(text, "cron:")
	if !ok {
		return fmt.Errorf("%s is unknown; want \"cron: MINUTE HOUR DAY MONTH WEEKDAY\", such as \"cron: 0 3 * * *\" for every night at three", quoteValue(text))
	}
	c, err := checks.ParseCron(strings.TrimSpace(fields))
	if err != nil {
		return err
	}
	if c.Next(scheduleBase).IsZero() {
		return errors.New("never comes: there is no such date")
	}
	s.Cron = c
	return nil
}

// scheduleBase is any date: a line that never matches after it never does.
var scheduleBase = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// String is the form that UnmarshalTOML reads; "" without a schedule.
func (s JobSchedule) String() string {
	if s.Cron == nil {
		return ""
	}
	return "cron: " + s.Cron.String()
}

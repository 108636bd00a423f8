package checks

import (
	"testing"
	"time"
)

const minute = "2006-01-02 15:04"

func TestCronNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err) // the zone database is part of the Go tree
	}
	for _, c := range []struct{ line, after, want string }{
		{"*/5 * * * *", "2026-01-01 00:00", "2026-01-01 00:05"},
		{"*/5 * * * *", "2026-01-01 23:58", "2026-01-02 00:00"},
		{"0 3 * * *", "2026-02-28 03:00", "2026-03-01 03:00"},
		{"30 4 29 2 *", "2026-01-01 00:00", "2028-02-29 04:30"},
		{"0 0 * * sun", "2026-11-22 00:00", "2026-11-29 00:00"},
		{"0 0 * * 7", "2026-11-22 00:00", "2026-11-29 00:00"},
		// Both days restricted: either one will do.
		{"0 0 13 * fri", "2026-11-22 00:00", "2026-11-27 00:00"},
		{"0 0 13 * fri", "2026-12-11 00:00", "2026-12-13 00:00"},
		{"0 12 1-7/2 jan,JUL *", "2026-01-01 12:00", "2026-01-03 12:00"},
		{"5/20 * * * *", "2026-01-01 00:30", "2026-01-01 00:45"},
		// The hour that is left out in spring, and the one that comes twice in autumn.
		{"30 2 * * *", "2026-03-28 12:00", "2026-03-30 02:30"},
		{"30 2 * * *", "2026-10-25 00:00", "2026-10-25 02:30"},
		{"0 0 30 2 *", "2026-01-01 00:00", ""},
	} {
		cron, err := ParseCron(c.line)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		after, err := time.ParseInLocation(minute, c.after, berlin)
		if err != nil {
			t.Fatal(err)
		}
		next, got := cron.Next(after), ""
		if !next.IsZero() {
			got = next.Format(minute)
			if !cron.Matches(next) {
				t.Errorf("%s: its next time %s does not match", c.line, got)
			}
		}
		if got != c.want {
			t.Errorf("%s after %s: %q, want %q", c.line, c.after, got, c.want)
		}
	}
}

func TestBadCron(t *testing.T) {
	for line, want := range map[string]string{
		"* * *":        `"* * *" has 3 fields; a cron line has five: minute hour day month weekday`,
		"60 * * * *":   `"60 * * * *": "60" is no minute: 0 to 59`,
		"* * 0 * *":    `"* * 0 * *": "0" is no day of the month: 1 to 31`,
		"* * * foo *":  `"* * * foo *": "foo" is no month: 1 to 12`,
		"*/0 * * * *":  `"*/0 * * * *": step "0" of the minute is no number above 0`,
		"5-2 * * * *":  `"5-2 * * * *": "5-2" is no minute: 0 to 59`,
		"1,,2 * * * *": `"1,,2 * * * *": "" is no minute: 0 to 59`,
	} {
		if _, err := ParseCron(line); errText(err) != want {
			t.Errorf("%s:\n got %s\nwant %s", line, errText(err), want)
		}
	}
}

func TestScheduleLeavesMissedPeriodsOut(t *testing.T) {
	at := time.Unix(1000, 0)
	s := Schedule{Interval: 10 * time.Second}
	for _, c := range []struct{ late, want time.Duration }{
		{0, 10 * time.Second},
		{9 * time.Second, 10 * time.Second},
		{10 * time.Second, 20 * time.Second},
		{time.Hour + 3*time.Second, time.Hour + 10*time.Second},
	} {
		if got := s.next(at, at.Add(c.late)).Sub(at); got != c.want {
			t.Errorf("%v late: next after %v, want %v", c.late, got, c.want)
		}
	}
}

func TestScheduleIsWrittenAsItIsRead(t *testing.T) {
	for text, want := range map[string]string{"10s": "10s", "cron:  0 3 * * *": "cron: 0 3 * * *"} {
		var s Schedule
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%q is written %q, %v", text, s, err)
		}
	}
	var b Blackouts
	if err := b.UnmarshalTOML("cron: * 0-3 * * *"); err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]bool{3: true, 4: false} {
		if got := b.holds(time.Date(2026, 1, 1, hour, 59, 0, 0, time.Local)); got != want {
			t.Errorf("left out at %d o'clock: %t, want %t", hour, got, want)
		}
	}
	if err := b.UnmarshalTOML([]any{"cron: * 0-3 * * *", int64(3)}); err == nil {
		t.Error("a number is taken for a time")
	}
}

func FuzzCron(f *testing.F) {
	f.Add("*/5 0-3,7 1 jan mon-fri/2", int64(1_700_000_000))
	f.Fuzz(func(t *testing.T, line string, at int64) {
		c, err := ParseCron(line)
		if err != nil {
			return
		}
		from := time.Unix(at%(1<<33), 0)
		if next := c.Next(from); !next.IsZero() && (!next.After(from) || !c.Matches(next)) {
			t.Fatalf("%s after %s gives %s", line, from, next)
		}
	})
}

package supervisor

import (
	"testing"
	"time"

	"github.com/supd/supd/checks"
)

func jobOf(t *testing.T, line string, considered time.Time) *job {
	t.Helper()
	c, err := checks.ParseCron(line)
	if err != nil {
		t.Fatal(err)
	}
	return &job{line: line, cron: c, note: jobNote{Considered: considered}}
}

// What the calendar makes of a clock that goes, stands, and jumps.
func TestJobsAgainstTheClock(t *testing.T) {
	day := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	at := func(h, m int) time.Time { return day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
	for _, c := range []struct {
		name, line      string
		considered, now time.Time
		run             bool
		missed          int
		next            time.Time
	}{
		{"its time comes", "0 3 * * *", at(2, 0), at(3, 0), true, 0, at(27, 0)},
		{"not yet", "0 3 * * *", at(2, 0), at(2, 59), false, 0, at(3, 0)},
		{"seen for the first time", "0 3 * * *", time.Time{}, at(3, 1), false, 0, at(27, 0)},
		{"considered already", "0 3 * * *", at(3, 0), at(3, 0), false, 0, at(27, 0)},
		{"five minutes late", "0 3 * * *", at(2, 0), at(3, 5), true, 0, at(27, 0)},
		{"six minutes late", "0 3 * * *", at(2, 0), at(3, 6), false, 1, at(27, 0)},
		{"three days late", "0 3 * * *", at(2, 0), at(72+9, 0), false, 4, at(99, 0)},
		{"three days away, and just in time for the last", "0 3 * * *", at(2, 0), at(72+3, 1), true, 3, at(99, 0)},
		{"every minute, away for three: once", "* * * * *", at(2, 0), at(2, 3), true, 2, at(2, 4)},
		{"the clock is set back by an hour: not again", "0 3 * * *", at(3, 0), at(2, 30), false, 0, at(27, 0)},
		{"set back by a year: the new clock counts", "0 3 * * *", at(3, 0), at(2, 0).AddDate(-1, 0, 0), false, 0, at(3, 0).AddDate(-1, 0, 0)},
		{"set forward by a century", "* * * * *", at(3, 0), at(3, 0).AddDate(100, 0, 0), false, missedMax, at(3, 1).AddDate(100, 0, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := jobOf(t, c.line, c.considered)
			run, missed := e.consider(c.now)
			if run != c.run || missed != c.missed || !e.next.Equal(c.next) {
				t.Errorf("run %v, missed %d, next %s; want %v, %d, %s", run, missed, e.next, c.run, c.missed, c.next)
			}
			if run, missed := e.consider(c.now); run || missed > 0 {
				t.Errorf("considered twice: run %v, missed %d", run, missed)
			}
		})
	}
}

// The timer is the wall clock's, fires once, and can be set again.
func TestWallClock(t *testing.T) {
	w, err := newWallClock()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{time.Now().Add(20 * time.Millisecond), time.Now().Add(-time.Hour), time.Unix(0, 0)} {
		if err := w.set(at); err != nil {
			t.Fatal(err)
		}
		if !w.wait() {
			t.Fatal("closed")
		}
		if early := time.Until(at.Round(0)); early > 0 {
			t.Errorf("%v early", early)
		}
	}
	over := make(chan bool)
	if err := w.set(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { over <- w.wait() }()
	w.close()
	if <-over {
		t.Error("a closed timer fires")
	}
}

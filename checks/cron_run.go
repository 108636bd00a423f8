package checks

import "time"

// NextRun is the first time after t at which a job of this line is run; zero if there is none. It differs from Next where the
// clocks change, as crontab(5) of Debian and cronie have it: a line with fixed hours is run once for each of its times, one
// whose hour begins with * as the hours really pass.
//   - Spring: what would fall into the hour that does not exist is run once, right after it. (With * it is left out.)
//   - Autumn: what falls into the hour that comes twice is run the first time. (With * it is run both times.)
func (c *Cron) NextRun(t time.Time) time.Time {
	next := c.Next(t)
	if next.IsZero() {
		return next
	}
	// Of the changes between t and next, and of the one that t may be in the middle of.
	begin, _ := t.ZoneBounds()
	for at := begin; ; {
		if at.IsZero() {
			_, at = t.ZoneBounds()
		} else {
			if run, ok := c.aroundChange(at, t); ok && run.Before(next) {
				return run
			}
			_, at = at.ZoneBounds()
		}
		if at.IsZero() || !at.Before(next) {
			break
		}
	}
	// A gap may end exactly at next, which is then the same.
	return next
}

// aroundChange finds a run after t that Next leaves out because of the change of clocks at the instant at.
func (c *Cron) aroundChange(at, t time.Time) (time.Time, bool) {
	_, before := at.Add(-time.Second).Zone()
	_, after := at.Zone()
	shift := time.Duration(after-before) * time.Second
	switch {
	case shift > 0 && !c.hourAny && at.After(t):
		// The wall clock as it would have gone on, in a zone that has no changes.
		wall := at.In(time.FixedZone("", before))
		for m := wall; m.Before(wall.Add(shift)); m = m.Add(time.Minute) {
			if c.Matches(m) {
				return at.In(t.Location()), true
			}
		}
	case shift < 0 && c.hourAny:
		for m := at; m.Before(at.Add(-shift)); m = m.Add(time.Minute) {
			if local := m.In(t.Location()); m.After(t) && c.Matches(local) {
				return local, true
			}
		}
	}
	return time.Time{}, false
}
